"""Reads a mask that is kept as one PNG per slice."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

import numpy as np

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.files import reading
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.io.paths import StrPath

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FIRST_CHUNK = struct.pack(">I4s", 13, b"IHDR")
GREY = 0
COLOUR_TYPES = {
    GREY: "grey",
    2: "colour",
    3: "palette",
    4: "grey with transparency",
    6: "colour with transparency",
}
BITS = (1, 8, 16)
"""Of 2 or 4 bits the decoder makes other numbers."""
LARGEST_SURPLUS = 1 << 24
"""Bytes that a file may have beyond twice its pixels: texts, colour profiles."""


def png_mask_of_slice(
    path: StrPath, geometry: SliceGeometry, values: frozenset[int] | None
) -> np.ndarray:
    """Return a PNG as large as its slice as (rows, columns) bool.

    Args:
        path: An 8-bit PNG in the orientation of the stored pixels.
        geometry: The slice.
        values: Pixel values that are inside; None: all above 0.

    Raises:
        RejectedFile: If the file is no single-channel PNG, or of another size.
    """
    pixels = read_png(path, (geometry.rows, geometry.columns))
    return pixels > 0 if values is None else np.isin(pixels, list(values))


def read_png(path: StrPath, shape: tuple[int, int], deepest: int = 8) -> np.ndarray:
    """Return the pixels of a grey PNG, (rows, columns).

    Args:
        path: The file; what its content is counts, not its name.
        shape: Rows and columns that it must have.
        deepest: Most bits of a pixel, 8 or 16.

    Raises:
        RejectedFile: If the file is no single-channel PNG, or of another size.
    """
    from PIL import Image

    with reading("PNG"), open(path, "rb") as file:
        _check_header(file, shape, deepest)
        file.seek(0)
        # The one decoder: for other formats the library can start other programs.
        with Image.open(file, formats=["PNG"]) as image:
            return np.asarray(image)


def _check_header(file: BinaryIO, shape: tuple[int, int], deepest: int) -> None:
    """Check what a PNG says of itself before any of it is decoded."""
    head = file.read(26)
    if not head.startswith(SIGNATURE):
        raise RejectedFile("mask is no PNG, but another format under its name: convert it")
    if len(head) < 26 or head[8:16] != FIRST_CHUNK:
        raise RejectedFile("mask cannot be read as PNG: its header is damaged")
    columns, rows, bits, kind = struct.unpack(">IIBB", head[16:])
    if (rows, columns) != shape:
        raise RejectedFile(f"mask is {rows} x {columns}, its slice {shape[0]} x {shape[1]}")
    if kind != GREY or bits not in BITS or bits > deepest:
        colours = COLOUR_TYPES.get(kind, "unknown colours")
        wanted = "8-bit" if deepest == 8 else "8- or 16-bit"
        raise RejectedFile(f"mask is a PNG in {bits}-bit {colours}, not {wanted} grey")
    if os.fstat(file.fileno()).st_size > 2 * rows * columns + LARGEST_SURPLUS:
        raise RejectedFile("mask is a PNG far larger than its pixels")
