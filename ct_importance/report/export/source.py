"""Puts maps back into the grid of the slices that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.extraction import standard_spacing
from ct_importance.cohort.pixels import placement, resampling_matrix, to_standard_orientation
from ct_importance.cohort.slice_entry import SliceEntry
from ct_importance.cohort.volume.file import read_grid

STEP_TOLERANCE_MM = 0.1
"""Between where a slice of an even series lies and where it should."""


def in_source_grid(pixels: NDArray[Any], geometry: SliceGeometry) -> NDArray[Any]:
    """Return a map of a slice, (size, size), in the slice's own grid, (rows, columns).

    It undoes `ct_importance.cohort.extraction.resize_to_grid`: maps are interpolated linearly,
    masks (bool) by the nearest neighbour. What lay outside of the slice is cut off.
    """
    is_mask = pixels.dtype == bool
    places = np.arange(geometry.rows * geometry.columns).reshape(geometry.rows, geometry.columns)
    places = to_standard_orientation(places, geometry.orientation)
    top, left, height, width = placement(places.shape, standard_spacing(geometry), len(pixels))
    inner = pixels[top : top + height, left : left + width].astype(np.float32)
    vertical = resampling_matrix(height, places.shape[0], 0 if is_mask else 1)
    horizontal = resampling_matrix(width, places.shape[1], 0 if is_mask else 1)
    resized = (horizontal @ (vertical @ inner).T).T
    found = np.empty(geometry.rows * geometry.columns, bool if is_mask else np.float32)
    found[places.ravel()] = resized.ravel()
    return found.reshape(geometry.rows, geometry.columns)


def top_region(importance: NDArray[np.float32], share: float) -> NDArray[np.bool_]:
    """Return which pixels are the most important ones; of equal ones the first.

    Args:
        importance: (H, W).
        share: Of the pixels, above 0; one pixel at least.
    """
    count = max(1, round(share * importance.size))
    found = np.zeros(importance.size, bool)
    found[np.argsort(-importance, axis=None, kind="stable")[:count]] = True
    return found.reshape(importance.shape)


@dataclass(frozen=True, eq=False)
class SeriesGrid:
    """The grid of a series: where the slices lie in one volume."""

    size: tuple[int, int, int]
    """Voxels along each axis of the volume."""
    to_patient: NDArray[np.float64]
    """Matrix (4, 4) from voxel indices to LPS, mm."""
    axes: tuple[int, int, int]
    """Those along rows, along columns and across slices."""
    numbers: dict[str, int]
    """Where a slice lies along the last of them, by slice id."""

    @property
    def affine(self) -> NDArray[np.float64]:
        """Matrix (4, 4) from voxel indices to RAS, mm, as NIfTI has it."""
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ self.to_patient

    def volume(self, maps: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return maps by slice id, (rows, columns) each, in one volume; NaN where there is none."""
        along_row, along_column, across = self.axes
        found = np.full(self.size, np.nan, np.float32)
        # A view with the axes (columns, rows, slices).
        view = found.transpose(along_row, along_column, across)
        for slice_id, pixels in maps.items():
            view[:, :, self.numbers[slice_id]] = pixels.T
        return found


def grids_of(entries: Sequence[SliceEntry], wanted: Sequence[SliceEntry]) -> list[SeriesGrid]:
    """Return the grid of a series, or one for each wanted slice where it has none.

    A series of DICOM files has a grid if its slices lie evenly, straight above each other: NIfTI
    knows no other.

    Args:
        entries: All slices of the series.
        wanted: Those with maps.
    """
    if wanted[0].frame is not None:
        grid = read_grid(wanted[0].path)
        numbers = {entry.slice_id: entry.frame or 0 for entry in wanted}
        return [SeriesGrid(grid.size, grid.to_patient, grid.axes, numbers)]
    whole = _even_grid(sorted(entries, key=lambda entry: entry.position))
    return [whole] if whole else [_grid([entry], thickness_of(entries)) for entry in wanted]


def _even_grid(entries: Sequence[SliceEntry]) -> SeriesGrid | None:
    first, last = entries[0].geometry, entries[-1].geometry
    alike = all(
        (it.rows, it.columns, it.spacing) == (first.rows, first.columns, first.spacing)
        and np.allclose(it.geometry.orientation, first.orientation, atol=1e-4)
        for it in entries
    )
    if not alike or len(entries) == 1:
        return None
    step = np.subtract(last.origin, first.origin) / (len(entries) - 1)
    due = np.array(first.origin) + np.arange(len(entries))[:, None] * step
    off = np.abs(due - [it.origin for it in entries]).max()
    tilted = np.abs(step - np.dot(step, first.normal) * np.array(first.normal)).max()
    if off > STEP_TOLERANCE_MM or tilted * (len(entries) - 1) > STEP_TOLERANCE_MM:
        return None
    return _grid(entries, float(np.dot(step, first.normal)))


def _grid(entries: Sequence[SliceEntry], step: float) -> SeriesGrid:
    first = entries[0].geometry
    to_patient = first.affine
    to_patient[:3, 2] *= step
    numbers = {entry.slice_id: number for number, entry in enumerate(entries)}
    return SeriesGrid((first.columns, first.rows, len(entries)), to_patient, (0, 1, 2), numbers)


def thickness_of(entries: Sequence[SliceEntry]) -> float:
    """Return how far slices lie apart in the middle; 1 mm for one alone."""
    steps = np.diff(sorted(entry.position for entry in entries))
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
