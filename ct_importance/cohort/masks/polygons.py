"""Fills polygons on a grid of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Contours traced through pixel centres are written with few decimals.
BOUNDARY_WIDTH = 0.01
EDGES_AT_ONCE = 4096
"""Each of them may cross every row."""


def fill_polygons(polygons: Sequence[np.ndarray], rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the pixels inside some polygons, (rows, columns) bool.

    A pixel is inside if its centre lies in an odd number of the polygons (so a contour within
    another one is a hole, and a keyhole that closes upon itself leaves no trace), or on the
    boundary of one, to within a hundredth of a pixel. So polygons along the edges of pixels and
    polygons through the centres of the outermost pixels both give the pixels they were made of.

    Args:
        polygons: Corners of each, (n, 2), as (column, row); the last is joined to the first.
        rows: Rows of the grid; pixel centres are whole numbers.
        columns: Columns of the grid.

    Example:
        >>> square = np.array([[1, 0], [3, 0], [3, 2], [1, 2]])
        >>> fill_polygons([square], rows=3, columns=5).astype(int)
        array([[0, 1, 1, 1, 0],
               [0, 1, 1, 1, 0],
               [0, 1, 1, 1, 0]])
    """
    starts = np.concatenate([np.empty((0, 2)), *polygons])
    ends = np.concatenate([np.empty((0, 2)), *(np.roll(one, -1, axis=0) for one in polygons)])
    crossings = np.zeros((rows, columns + 1), np.int32)
    boundary = np.zeros((rows, columns), bool)
    for first in range(0, len(starts), EDGES_AT_ONCE):
        edges = slice(first, first + EDGES_AT_ONCE)
        _count_crossings(starts[edges], ends[edges], crossings)
        _mark_boundary(starts[edges], ends[edges], boundary)
    inside: NDArray[np.bool_] = crossings.cumsum(axis=1)[:, :columns] % 2 == 1
    return boundary | inside


def _count_crossings(starts: np.ndarray, ends: np.ndarray, crossings: np.ndarray) -> None:
    """Add to each row, at the first pixel beyond it, where edges cross the row's centres."""
    rows, columns = crossings.shape[0], crossings.shape[1] - 1
    # From the upper to the lower end: an edge that is run through both ways, as those of a keyhole,
    # must be crossed in the very same place.
    is_down = (starts[:, 1] <= ends[:, 1])[:, None]
    upper, lower = np.where(is_down, starts, ends), np.where(is_down, ends, starts)
    first = np.ceil(upper[:, 1]).clip(0, rows)
    edge, row = _steps(first, np.ceil(lower[:, 1]).clip(0, rows) - 1)
    slope = (row - upper[edge, 1]) / (lower[edge, 1] - upper[edge, 1])
    crossing = upper[edge, 0] + slope * (lower[edge, 0] - upper[edge, 0])
    np.add.at(crossings, (row, np.ceil(crossing).clip(0, columns).astype(int)), 1)


def _mark_boundary(starts: np.ndarray, ends: np.ndarray, boundary: np.ndarray) -> None:
    """Mark the pixels (rows, columns) whose centres lie on edges."""
    rows, columns = boundary.shape
    for row, column in (
        _centres_on(starts, ends, along=0, size=columns)[::-1],
        _centres_on(starts, ends, along=1, size=rows),
    ):
        within = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        boundary[row[within], column[within]] = True


def _centres_on(
    starts: np.ndarray, ends: np.ndarray, along: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel centres on the edges that run mostly along an axis: (along, across)."""
    across = 1 - along
    delta = ends - starts
    lengths, widths = np.abs(delta[:, along]), np.abs(delta[:, across])
    is_ours = lengths >= widths if along == 0 else lengths > widths
    starts, delta, ends = starts[is_ours], delta[is_ours], ends[is_ours]
    low = np.minimum(starts[:, along], ends[:, along]) - BOUNDARY_WIDTH
    high = np.maximum(starts[:, along], ends[:, along]) + BOUNDARY_WIDTH
    edge, place = _steps(np.ceil(low).clip(0, size), np.floor(high).clip(-1, size - 1))
    length = delta[edge, along]
    share = np.zeros(len(edge))
    np.divide(place - starts[edge, along], length, out=share, where=length != 0)
    exact = starts[edge, across] + share.clip(0, 1) * delta[edge, across]
    nearest = np.rint(exact)
    is_on = np.abs(exact - nearest) <= BOUNDARY_WIDTH
    return place[is_on], nearest[is_on].astype(int)


def _steps(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the whole numbers from first to last of every edge: (edge, number)."""
    counts = (last - first + 1).clip(0).astype(int)
    edge = np.repeat(np.arange(len(counts)), counts)
    offset = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    return edge, first[edge].astype(int) + offset
