"""Reads a mask that is kept as one PNG per slice."""

from __future__ import annotations

import os

import numpy as np

from scripts.cohort.dicom_file import RejectedFile
from scripts.cohort.geometry import SliceGeometry
from scripts.cohort.mask_reading import reading


def png_mask_of_slice(
    path: str | os.PathLike, geometry: SliceGeometry, values: frozenset[int] | None
) -> np.ndarray:
    """Return a PNG as large as its slice as (rows, columns) bool.

    Args:
        path: An 8-bit PNG in the orientation of the stored pixels.
        geometry: The slice.
        values: Pixel values that are inside; None: all above 0.

    Raises:
        RejectedFile: If the file is no single-channel PNG, or of another size.
    """
    pixels = read_png(path)
    if pixels.shape != (geometry.rows, geometry.columns):
        raise RejectedFile(
            f"mask is {pixels.shape[0]} x {pixels.shape[1]}, "
            f"its slice {geometry.rows} x {geometry.columns}"
        )
    return pixels > 0 if values is None else np.isin(pixels, list(values))


def read_png(path: str | os.PathLike) -> np.ndarray:
    """Return the pixels of an 8-bit PNG, (rows, columns).

    Raises:
        RejectedFile: If the file is no single-channel PNG.
    """
    from PIL import Image

    with reading("PNG"), Image.open(path) as image:
        mode, pixels = image.mode, np.asarray(image)
    if mode not in ("L", "1"):
        raise RejectedFile(f"mask is a PNG of mode {mode}, not 8-bit grey")
    return pixels
