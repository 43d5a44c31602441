"""Where the pixels of a slice lie in the patient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A gantry tilts by 30 degrees at most; a plane further off is not an axial one.
SMALLEST_AXIAL_COSINE = math.cos(math.radians(31))

SPACINGS = (0.01, 10)
"""Millimetres between pixels: from a micro-CT to one pixel per centimetre."""
LARGEST_RATIO = 4
"""Of the two sides of a pixel; those of scanners are equal, those of other grids nearly so."""


def is_spacing(spacing: Sequence[float]) -> bool:
    """Whether numbers can be the millimetres between rows and between columns of a slice."""
    low, high = min(spacing), max(spacing)
    return SPACINGS[0] <= low <= high <= min(SPACINGS[1], LARGEST_RATIO * low)


@dataclass(frozen=True)
class SliceGeometry:
    """Place of a slice in patient coordinates: LPS, millimetres (DICOM PS3.3 C.7.6.2.1.1)."""

    rows: int
    columns: int
    origin: tuple[float, ...]
    """(x, y, z) of the centre of the first pixel: ImagePositionPatient."""
    orientation: tuple[float, ...]
    """Unit vectors along a row and along a column: ImageOrientationPatient."""
    spacing: tuple[float, float]
    """Millimetres between rows and between columns: PixelSpacing."""

    @property
    def normal(self) -> tuple[float, float, float]:
        """Unit vector across the slice, towards the head."""
        # Plain numbers: this is asked for every file of a cohort, and NumPy takes 0.1 ms to start.
        x1, y1, z1, x2, y2, z2 = self.orientation
        x, y, z = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
        # Heads up whatever the direction of the columns, so that scans of one patient agree.
        sign = -1.0 if z < 0 else 1.0
        return sign * x, sign * y, sign * z

    @property
    def is_axial(self) -> bool:
        """Whether the slice is tilted against the axial plane by no more than a gantry does."""
        return abs(self.normal[2]) >= SMALLEST_AXIAL_COSINE

    @property
    def position(self) -> float:
        """Millimetres along the normal, rising towards the head."""
        return sum(a * b for a, b in zip(self.normal, self.origin, strict=True))

    @property
    def affine(self) -> NDArray[np.float64]:
        """Matrix (4, 4) from (column, row, mm across the slice, 1) to (x, y, z, 1)."""
        between_rows, between_columns = self.spacing
        affine = np.eye(4)
        affine[:3, 0] = np.array(self.orientation[:3]) * between_columns
        affine[:3, 1] = np.array(self.orientation[3:]) * between_rows
        affine[:3, 2] = self.normal
        affine[:3, 3] = self.origin
        return affine
