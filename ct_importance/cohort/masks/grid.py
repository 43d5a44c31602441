"""Masks as voxels on any grid, and the pixels of a slice that they mark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry

# Indices halfway between two voxels all go to the upper one, whatever their rounding errors.
TIE_MARGIN = 1e-6


@dataclass(frozen=True, eq=False)
class MarkedGrid:
    """Marked voxels; the rest of their volume is cropped away."""

    inside: NDArray[np.bool_]
    """Array (x, y, z), bool; of size 0 if no voxel is marked."""
    to_patient: NDArray[np.float64]
    """Matrix (4, 4) from voxel indices to LPS, mm."""

    @classmethod
    def cropped(cls, inside: NDArray[np.bool_], to_patient: NDArray[np.float64]) -> MarkedGrid:
        """Return a grid without its unmarked margins.

        Args:
            inside: Array (x, y, z), bool.
            to_patient: Matrix (4, 4) from its indices to LPS, mm.
        """
        box, shift = [], np.eye(4)
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            marked = np.flatnonzero(inside.any(axis=others))
            first, last = (marked[0], marked[-1]) if len(marked) else (0, -1)
            box.append(slice(first, last + 1))
            shift[axis, 3] = first
        return cls(inside[tuple(box)].copy(), to_patient @ shift)

    @property
    def is_empty(self) -> bool:
        """Whether no voxel is marked."""
        return self.inside.size == 0

    def on_slice(self, geometry: SliceGeometry) -> NDArray[np.bool_]:
        """Return which pixels of a slice lie in a marked voxel, (rows, columns) bool.

        A pixel belongs to the voxel nearest to its centre; outside of the grid nothing is marked.
        """
        mask = np.zeros((geometry.rows, geometry.columns), bool)
        columns, rows = self._window(geometry)
        if len(columns) and len(rows):
            voxels = nearest_voxels(self.to_patient, geometry, columns, rows)
            within = are_within(voxels, self.inside.shape)
            part = np.zeros(within.shape, bool)
            part[within] = self.inside[tuple(axis[within] for axis in voxels)]
            mask[rows.start : rows.stop, columns.start : columns.stop] = part
        return mask

    def _window(self, geometry: SliceGeometry) -> tuple[range, range]:
        """Return the columns and rows of a slice outside of which no pixel can be marked."""
        if self.is_empty:
            return range(0), range(0)
        ends = [(-0.5, size - 0.5) for size in self.inside.shape]
        corners = np.array(np.meshgrid(*ends, [1.0])).reshape(4, -1)
        places = np.linalg.solve(geometry.affine, self.to_patient @ corners)[:3]
        low, high = places.min(axis=1) - TIE_MARGIN, places.max(axis=1) + TIE_MARGIN
        if low[2] > 0 or high[2] < 0:
            return range(0), range(0)
        first = np.floor(low[:2]).clip(0).astype(int)
        last = np.ceil(high[:2]).clip(max=[geometry.columns - 1, geometry.rows - 1]).astype(int)
        return range(first[0], last[0] + 1), range(first[1], last[1] + 1)


def nearest_voxels(
    to_patient: NDArray[np.float64], geometry: SliceGeometry, columns: range, rows: range
) -> NDArray[np.int_]:
    """Return the indices of the voxels nearest to pixels of a slice, (3, rows, columns) int.

    Args:
        to_patient: Matrix (4, 4) from voxel indices to LPS, mm.
        geometry: The slice.
        columns: Columns of the pixels.
        rows: Rows of the pixels.
    """
    to_voxel = np.linalg.solve(to_patient, geometry.affine)[:3, :, None, None]
    along_columns, along_rows = np.array(columns)[None, :], np.array(rows)[:, None]
    places = to_voxel[:, 0] * along_columns + to_voxel[:, 1] * along_rows + to_voxel[:, 3]
    voxels: NDArray[np.int_] = np.floor(places + 0.5 + TIE_MARGIN).astype(int)
    return voxels


def are_within(voxels: NDArray[np.int_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell which indices (3, rows, columns) lie in a volume of some shape, (rows, columns) bool."""
    within: NDArray[np.bool_] = np.all(
        (voxels >= 0) & (voxels < np.array(shape)[:, None, None]), axis=0
    )
    return within
