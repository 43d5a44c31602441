"""Solves the system of noisy linear imputation: each masked pixel is a mean of its neighbours.

The matrix is symmetric and positive definite where one pixel is left, so conjugate gradients solve
it. Plain ones take hundreds of steps where a large region is masked; a cycle of multigrid as their
preconditioner (McAdams, Sifakis and Teran 2010) takes a dozen, whatever the mask. No matrix is ever
written down: the weights are those of a separable filter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ct_importance.errors import InputError

Array = NDArray[np.floating[Any]]
TOLERANCE = 1e-7
"""Of grey values in [0, 1]: the largest error that the preconditioner sees at the end."""
MOST_STEPS = 200
"""Never needed: what is tried takes 6 to 16."""
DAMPING = 0.8
"""Of Jacobi's steps."""
SMALLEST = 4
"""Rows or columns of a grid that is not made coarser."""


def weighted_sum(image: Array) -> Array:
    """Return the sum of each pixel's neighbours, 1/6 of those at an edge, 1/12 at a corner.

    Neighbours outside the image count nothing.

    Args:
        image: (H, W).

    Example:
        >>> weighted_sum(np.ones((3, 3))).round(2).tolist()
        [[0.42, 0.67, 0.42], [0.67, 1.0, 0.67], [0.42, 0.67, 0.42]]
    """
    # (1 2 1) down and across is 12 times that, and 4 times the pixel itself.
    down = image + image
    down[1:] += image[:-1]
    down[:-1] += image[1:]
    found = down + down
    found[:, 1:] += down[:, :-1]
    found[:, :-1] += down[:, 1:]
    found -= 4 * image
    found *= image.dtype.type(1 / 12)
    return found


def impute(image: Array, masked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return an image whose masked pixels are the weighted mean of their neighbours.

    Args:
        image: (H, W), finite; what is masked is not read.
        masked: (H, W), True where a pixel is masked. Not all of them.

    Returns:
        (H, W), as exact as a dense solver to 1e-6 of the range of the image.

    Raises:
        InputError: If it does not converge, which no mask is known to do.
    """
    known = np.where(masked, 0.0, image)
    low, high = float(image[~masked].min()), float(image[~masked].max())
    if low == high or not masked.any():
        return np.where(masked, low, known)
    grid = _Grid(masked)
    inside, total = masked.astype(float), weighted_sum(np.ones(masked.shape))
    residual = weighted_sum(known) * inside
    solution = np.zeros(masked.shape)
    step, product = np.zeros(masked.shape), 1.0
    for _ in range(MOST_STEPS):
        error = grid.error_of(residual)
        if np.abs(error).max() <= TOLERANCE * (high - low):
            return known + solution + error
        # einsum adds in one thread: a product of BLAS would depend on how many there are.
        last, product = product, float(np.einsum("ij,ij->", residual, error))
        step *= product / last
        step += error
        image_of_step = (total * step - weighted_sum(step)) * inside
        length = product / float(np.einsum("ij,ij->", step, image_of_step))
        solution += length * step
        residual -= length * image_of_step
    raise InputError(f"noisy linear imputation did not converge in {MOST_STEPS} steps")


class _Grid:
    """Estimates the error of a solution from its residual, on this grid and coarser ones.

    In float32: it only has to be near, and the same for each residual.
    """

    def __init__(self, masked: NDArray[np.bool_]) -> None:
        self._total = weighted_sum(np.ones(masked.shape, np.float32))
        self._inside = masked.astype(np.float32)
        self._damped = DAMPING * self._inside / self._total
        self._coarser = None
        if min(masked.shape) >= SMALLEST:
            # A coarse pixel is masked where all that it stands for is: what is left stays fixed.
            coarse = np.asarray(_in_pairs(masked, True).all(axis=1))
            coarse = np.asarray(_in_pairs(coarse.T, True).all(axis=1)).T
            if coarse.any():
                self._coarser = _Grid(coarse)

    def error_of(self, residual: Array) -> Array:
        """Return about what is to be added to a solution, 0 where nothing is masked."""
        residual = residual.astype(np.float32, copy=False)
        error = self._damped * residual
        if self._coarser is not None:
            rest = self._rest(residual, error)
            rest *= self._inside
            coarse = self._coarser.error_of(_halved(_halved(rest).T).T)
            height, width = error.shape
            finer = _doubled(_doubled(coarse, height).T, width).T
            finer *= self._inside
            error += finer
        # A second step of Jacobi, after the coarser grids as before them, keeps it symmetric.
        correction = self._rest(residual, error)
        correction *= self._damped
        error += correction
        return error

    def _rest(self, residual: Array, error: Array) -> Array:
        rest = weighted_sum(error)
        rest -= self._total * error
        rest += residual
        return rest


def _in_pairs(rows: NDArray[Any], last: Any) -> NDArray[Any]:
    """Return the rows two by two, (N, 2, ...); an odd one is paired with a row of one value."""
    if len(rows) % 2:
        rows = np.concatenate([rows, np.full_like(rows[:1], last)])
    return rows.reshape(-1, 2, *rows.shape[1:])


def _doubled(rows: Array, count: int) -> Array:
    """Return twice as many rows (or one less), each between 3/4 of one and 1/4 of the next."""
    found = np.repeat(rows * rows.dtype.type(0.75), 2, axis=0)
    quarter = rows * rows.dtype.type(0.25)
    found[2::2] += quarter[:-1]
    found[0] += quarter[0]
    found[1:-1:2] += quarter[1:]
    found[-1] += quarter[-1]
    return found[:count]


def _halved(rows: Array) -> Array:
    """Return half as many rows; the transpose of `_doubled`."""
    pairs = _in_pairs(rows, 0)
    even, odd = pairs[:, 0], pairs[:, 1]
    found: Array = (even + odd) * rows.dtype.type(0.75)
    quarter_even, quarter_odd = (part * rows.dtype.type(0.25) for part in (even, odd))
    found[:-1] += quarter_even[1:]
    found[0] += quarter_even[0]
    found[1:] += quarter_odd[:-1]
    found[-1] += quarter_odd[-1]
    return found
