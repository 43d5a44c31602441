"""Reads maps kept as volumes, on the pixels of a slice."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.files import mask_stamp
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume.file import read_grid, read_voxels

FARTHEST = 0.5
"""Voxels that a pixel may lie beyond the centres of the outermost ones."""
ROUNDING = 1e-3
"""Of places in a volume, in voxels."""


def values_on_slice(path: Path, geometry: SliceGeometry) -> NDArray[np.float32]:
    """Return the values of a volume at the pixels of a slice, (rows, columns).

    Raises:
        RejectedFile: If the volume cannot be read, or does not hold the whole slice.
    """
    voxels, to_patient = _kept(path, mask_stamp(path))
    return sampled(voxels, to_patient, geometry)


@functools.lru_cache(maxsize=2)
def _kept(path: Path, stamp: object) -> tuple[np.ndarray, NDArray[np.float64]]:
    grid = read_grid(path)
    return read_voxels(path), grid.to_patient


def sampled(
    voxels: np.ndarray, to_patient: NDArray[np.float64], geometry: SliceGeometry
) -> NDArray[np.float32]:
    """Return values between voxels, linearly, at the pixels of a slice, (rows, columns) float32.

    Args:
        voxels: (x, y, z).
        to_patient: Matrix (4, 4) from their indices to LPS, mm.
        geometry: The slice.

    Raises:
        RejectedFile: If a pixel lies outside.
    """
    from scipy.ndimage import map_coordinates

    rows, columns = np.mgrid[: geometry.rows, : geometry.columns]
    pixels = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)]).astype(np.float64)
    matrix = np.linalg.solve(to_patient, geometry.affine)
    places = np.einsum("ij,jrc->irc", matrix, pixels)[:3]
    last = np.array(voxels.shape)[:, None, None] - 1
    if (places < -FARTHEST - ROUNDING).any() or (places > last + FARTHEST + ROUNDING).any():
        raise RejectedFile("map does not hold the whole slice: check orientation and origin")
    # Places that are on a voxel but for rounding are taken to be there.
    nearest = np.rint(places)
    places = np.where(np.abs(places - nearest) < ROUNDING, nearest, places)
    values: NDArray[np.float32] = map_coordinates(
        np.asarray(voxels, np.float32), places, order=1, mode="nearest"
    )
    return values
