"""Smooth random masks (Petsiuk et al. 2018, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def random_masks(
    generator: np.random.Generator,
    masks: int,
    cells: int,
    probability: float,
    shape: tuple[int, int],
) -> Iterator[NDArray[np.float32]]:
    """Yield masks (H, W) with values from 0 (hidden) to 1 (shown).

    A grid of cells is drawn for each, enlarged bilinearly to one cell more than the image has, and
    cut to the image's shape at a random place.

    Args:
        generator: Draws all grids, then all places.
        masks: How many.
        cells: Cells along each side.
        probability: Of a cell to be shown.
        shape: (H, W).
    """
    grids = generator.random((masks, cells, cells)) < probability
    sides = [-(-pixels // cells) for pixels in shape]
    places = generator.integers(sides, size=(masks, 2))
    down, right = (enlarging(cells, (cells + 1) * side) for side in sides)
    height, width = shape
    for grid, (top, left) in zip(grids, places, strict=True):
        yield down[top : top + height] @ grid.astype(np.float32) @ right[left : left + width].T


def enlarging(cells: int, pixels: int) -> NDArray[np.float32]:
    """Return the matrix (pixels, cells) that enlarges a row of cells linearly.

    Pixels beyond the centres of the outer cells have these cells' values.

    Example:
        >>> enlarging(2, 4).tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    places = np.clip((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0, cells - 1)
    weights = 1 - np.abs(places[:, None] - np.arange(cells))
    matrix: NDArray[np.float32] = np.maximum(weights, 0).astype(np.float32)
    return matrix
