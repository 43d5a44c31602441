"""How the pixels of a mask rank among all of a map; equal scores count as their expectation."""

from __future__ import annotations

import numpy as np

from ct_importance.errors import InputError


def check_mask(mask: np.ndarray | None) -> np.ndarray:
    """Return a mask (H, W) that a map can agree with.

    Raises:
        InputError: If it is empty or covers the whole image: agreement is then undefined, or no
            merit of the map.
    """
    assert mask is not None, "which the metric needs"
    if not mask.any():
        raise InputError("the mask is empty: leave the slice out")
    if mask.all():
        raise InputError("the mask covers the whole image: leave the slice out")
    return mask


def covered(mask: np.ndarray | None) -> float:
    """Return the share of the slice that a mask (H, W) covers."""
    assert mask is not None, "which the metric needs"
    return float(mask.mean())


def sorted_scores(importance: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return all scores and those inside the mask, ascending; those outside are the difference.

    Raises:
        InputError: See `check_mask`.
    """
    mask = check_mask(mask)
    return np.sort(importance, axis=None), np.sort(importance[mask])


def above_and_tied(scores: np.ndarray, cut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many ascending scores lie above each cut, and how many are equal to it."""
    up_to = np.searchsorted(scores, cut, side="right")
    return scores.size - up_to, up_to - np.searchsorted(scores, cut, side="left")


def expected_hits(
    scores: np.ndarray, positive: np.ndarray, counts: np.ndarray, parts: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many of the top pixels lie inside and outside of the mask.

    Where a count cuts through equal scores, these are expected numbers over all orders of the tied
    pixels: of a constant map, every pixel is as likely to be on top.

    Args:
        scores: All scores, ascending.
        positive: Scores inside the mask, ascending.
        counts: (K,) integers: the numbers of top pixels, times `parts`; integers, so that no
            rounding can move a cut to a neighbour.
        parts: What they are divided by.

    Returns:
        Numbers inside and outside, each (K,).

    Example:
        >>> scores = np.array([0.1, 0.2, 0.2, 0.9])
        >>> hits, false_alarms = expected_hits(scores, scores[2:], np.array([1, 2, 4]))
        >>> hits.tolist(), false_alarms.tolist()
        ([1.0, 1.5, 2.0], [0.0, 0.5, 2.0])
    """
    # The score of the pixel that the top ends in.
    last = np.maximum(-(-counts // parts) - 1, 0)
    cut = scores[::-1][last]
    above, tied = above_and_tied(scores, cut)
    share = (counts - above * parts) / (tied * parts)
    positive_above, positive_tied = above_and_tied(positive, cut)
    hits = positive_above + share * positive_tied
    return hits, above - positive_above + share * (tied - positive_tied)


def top_count(share: float, pixels: int) -> int:
    """Return how many pixels a share of them is, at least one; halves round up."""
    return max(1, int(np.floor(share * pixels + 0.5)))
