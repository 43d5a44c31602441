"""Writes CT volumes as NIfTI, MetaImage or NRRD files."""

from pathlib import Path

import numpy as np
import SimpleITK

SHAPE = (5, 12, 16)
"""Slices, rows, columns."""


def voxels(number: int = 0, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Return Hounsfield units that differ by number, (slices, rows, columns) int16."""
    return np.random.default_rng(number).integers(-1000, 1000, shape).astype(np.int16)


def write_volume(
    path: Path,
    pixels: np.ndarray | None = None,
    spacing: tuple[float, float, float] = (0.5, 1.0, 2.5),
    origin: tuple[float, float, float] = (-10.0, -20.0, 30.0),
    directions: np.ndarray | None = None,
    compressed: bool = False,
) -> Path:
    """Write a volume; the numbers are those of ITK: x, y, z of the patient (LPS), mm.

    Args:
        path: The file; its suffix is the format.
        pixels: (slices, rows, columns) in HU.
        spacing: Between columns, rows and slices.
        origin: Centre of the first voxel.
        directions: (3, 3), a column per axis of the file: along a row, a column, across.
        compressed: Whether the voxels are compressed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    image = SimpleITK.GetImageFromArray(voxels() if pixels is None else pixels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    if directions is not None:
        image.SetDirection(np.ravel(directions).tolist())
    SimpleITK.WriteImage(image, str(path), useCompression=compressed)
    return path
