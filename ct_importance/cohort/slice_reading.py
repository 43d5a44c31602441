"""Reads one slice in Hounsfield units, whatever kind of file holds it."""

from __future__ import annotations

import numpy as np

from ct_importance.cohort.pixels import read_hounsfield
from ct_importance.cohort.volume.slices import read_volume_slice


def read_slice(path: str, frame: int | None) -> np.ndarray:
    """Return a slice as stored, (rows, columns) float32 in HU.

    Args:
        path: DICOM file or volume.
        frame: Number of the slice in its volume; None for a DICOM file.

    Raises:
        RejectedFile: If it cannot be read, with the reason.
    """
    if frame is None:
        return read_hounsfield(path)[0]
    return read_volume_slice(path, frame)
