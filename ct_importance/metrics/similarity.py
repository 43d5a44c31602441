"""How alike two importance maps are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.floating[Any]]


def structural_similarity(one: Map, other: Map) -> float:
    """Return the structural similarity of two maps (SSIM; Wang et al. 2004), 1 for equal ones.

    Each map is divided by its largest absolute value: what counts is where importance lies, not how
    much there is. A map of zeros stays as it is.

    Args:
        one: (H, W), at least 7 rows and columns.
        other: Of the same shape.

    Example:
        >>> one = np.arange(64.0).reshape(8, 8)
        >>> structural_similarity(one, 5 * one)
        1.0
    """
    from skimage.metrics import structural_similarity as ssim

    scaled = [values / (np.abs(values).max() or 1.0) for values in map(np.float64, (one, other))]
    lowest = min(values.min() for values in scaled)
    return float(ssim(*scaled, data_range=1.0 if lowest >= 0 else 2.0))


def rank_correlation(one: Map, other: Map) -> float:
    """Return Spearman's correlation of the pixels of two maps.

    A map of one value has no order: it is like another of one value (1), and unlike all else (0).

    Args:
        one: (H, W).
        other: Of the same shape.

    Example:
        >>> one = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> rank_correlation(one, one**3), rank_correlation(one, -one)
        (1.0, -1.0)
    """
    ranks = standardised_ranks(one), standardised_ranks(other)
    constant = [bool(np.isnan(it[0])) for it in ranks]
    if any(constant):
        return float(all(constant))
    return round(float(ranks[0] @ ranks[1]), 12)


def standardised_ranks(values: Map) -> NDArray[np.float64]:
    """Return ranks with mean 0 and length 1, of which products are Spearman's correlations.

    Args:
        values: Of any shape, N of them; equal ones share the mean of their ranks.

    Returns:
        (N,); NaN if all values are equal.

    Example:
        >>> one, other = (standardised_ranks(np.array(of)) for of in ([1, 5, 9], [2, 3, 2]))
        >>> round(float(one @ one), 6), round(float(one @ other), 6)
        (1.0, 0.0)
    """
    _, place, counts = np.unique(values.ravel(), return_inverse=True, return_counts=True)
    ranks = (counts.cumsum() - (counts - 1) / 2)[place]
    ranks -= ranks.mean()
    length = np.sqrt(ranks @ ranks)
    found: NDArray[np.float64] = ranks / length if length > 0 else np.full(ranks.size, np.nan)
    return found
