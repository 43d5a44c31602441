"""Reads masks kept as label volumes (NIfTI, NRRD, MetaImage)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.grid import MarkedGrid, are_within, nearest_voxels
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume.file import read_grid, read_voxels

VOLUMES_KEPT = 16


@dataclass(frozen=True, eq=False)
class LabelVolume:
    """A label volume of which only the marked voxels are kept."""

    marked: MarkedGrid
    shape: tuple[int, ...]
    """Voxels along x, y and z, of the whole volume."""
    to_patient: np.ndarray
    """Matrix (4, 4) from voxel indices of the whole volume to LPS, mm."""

    def reaches(self, geometry: SliceGeometry) -> bool:
        """Tell whether any pixel of a slice lies in the volume, marked or not."""
        pixels = range(geometry.columns), range(geometry.rows)
        voxels = nearest_voxels(self.to_patient, geometry, *pixels)
        return bool(are_within(voxels, self.shape).any())


@functools.lru_cache(maxsize=VOLUMES_KEPT)
def load_volume(path: Path, stamp: object, values: frozenset[int] | None) -> LabelVolume:
    """Return what a label volume marks.

    Args:
        path: File with the name of a volume, in any orientation, on any regular grid.
        stamp: `mask_stamp` of the file: a file that has changed is read again.
        values: Voxel values that are inside; None: all above 0.

    Raises:
        RejectedFile: If the file cannot be read, or is not one volume of single values.
    """
    try:
        grid, voxels = read_grid(path), read_voxels(path)
    except RejectedFile as reason:
        raise type(reason)(f"mask {reason}") from None
    inside = voxels > 0 if values is None else np.isin(voxels, list(values))
    marked = MarkedGrid.cropped(inside, grid.to_patient)
    return LabelVolume(marked, grid.size, grid.to_patient)
