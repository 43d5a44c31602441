"""Smooth random fields in space: the fine structure of tissues."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Texture:
    """Gaussian random numbers on a lattice, blurred: mean 0, standard deviation about 1."""

    lattice: np.ndarray
    """(Z, Y, X) float32."""
    cell: float
    """Distance of the nodes, mm."""
    bottom: float
    """Height of the lowest nodes, mm."""
    weights: csr_array
    """(N, X) from nodes to pixels, in both directions of a slice."""

    def at(self, z: float) -> NDArray[np.float32]:
        """Return the (N, N) float32 field of the slice at height z (mm)."""
        nodes = self.bottom + self.cell * np.arange(len(self.lattice))
        near = np.flatnonzero(np.abs(nodes - z) < 3 * self.cell)
        along = _gaussian_weights(np.array([z]), nodes[near], self.cell)[0]
        flat = np.tensordot(along, self.lattice[near], axes=1)
        field: NDArray[np.float32] = (self.weights @ (self.weights @ flat).T).T
        return field


def draw_texture(
    rng: np.random.Generator,
    cell: float,
    heights: tuple[float, float],
    matrix: int,
    spacing: float,
) -> Texture:
    """Return a random field over the field of view.

    Args:
        rng: Draws the numbers.
        cell: Size of the structures, mm.
        heights: Lowest and highest slice, mm.
        matrix: Rows and columns of a slice.
        spacing: Size of a pixel, mm.
    """
    pixels = (np.arange(matrix) - (matrix - 1) / 2) * spacing
    across = int(np.ceil(pixels[-1] / cell)) + 2
    nodes = cell * np.arange(-across, across + 1)
    levels = int(np.ceil((heights[1] - heights[0]) / cell)) + 7
    shape = (levels, len(nodes), len(nodes))
    return Texture(
        lattice=rng.standard_normal(shape, dtype=np.float32),
        cell=cell,
        bottom=heights[0] - 3 * cell,
        weights=csr_array(_gaussian_weights(pixels, nodes, cell)),
    )


def _gaussian_weights(points: np.ndarray, nodes: np.ndarray, cell: float) -> np.ndarray:
    away = np.abs(points[:, None] - nodes) / cell
    weights = np.where(away < 2.5, np.exp(-((away / 0.8) ** 2)), 0)
    # Of unit length, so that the sum of independent numbers keeps a standard deviation of 1.
    unit: np.ndarray = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return unit.astype(np.float32)
