"""Shapley values as the solution of a weighted regression (Lundberg and Lee 2017, theorem 2)."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Coalitions = tuple[NDArray[np.bool_], NDArray[np.float64]]
"""Which parts each shows, (n, P), and its weight, (n,)."""


def coalitions(parts: int, most: int, generator: np.random.Generator) -> Coalitions:
    """Return coalitions of some, not all parts.

    All there are, if they fit. Otherwise those of the sizes that weigh most, 1 and P - 1 first, as
    far as all of a size fit; the others are drawn at random, each with its opposite, and share the
    weight of the sizes that are left.

    Args:
        parts: P.
        most: Most coalitions.
        generator: Draws.
    """
    shown = [np.empty((0, parts), bool)]
    weights = [np.empty(0)]
    left, size = most, 1
    while size <= parts // 2 and _count(parts, size) <= left:
        whole = _all_of_size(parts, size)
        shown.append(whole)
        weights.append(np.full(len(whole), _weight(parts, size) / len(whole)))
        left -= len(whole)
        size += 1
    sizes = range(size, parts // 2 + 1)
    if sizes and left >= 2:
        drawn = _drawn(parts, sizes, left // 2, generator)
        shown += [drawn, ~drawn]
        total = sum(_weight(parts, one) for one in sizes)
        weights.append(np.full(2 * len(drawn), total / (2 * len(drawn))))
    return np.concatenate(shown), np.concatenate(weights)


def shapley_values(
    found: Coalitions, scores: NDArray[np.float64], nothing: float, everything: float
) -> NDArray[np.float64]:
    """Return the values (P,) that explain the scores best and sum up to what all parts add.

    Exact Shapley values, if the coalitions are all there are. Of several solutions the one in which
    values differ least.

    Args:
        found: The coalitions.
        scores: What the classifier answers to each, (n,).
        nothing: Where no part is shown.
        everything: Where all are.
    """
    shown, weights = found
    parts = shown.shape[1]
    equal = (everything - nothing) / parts
    if not len(shown):
        return np.full(parts, equal)
    # A value is its equal share and a rest; rests sum up to 0, so that their mean does not count.
    centred = shown - shown.mean(axis=1, keepdims=True)
    rest = scores - nothing - shown.sum(axis=1) * equal
    root = np.sqrt(weights)
    solution, *_ = np.linalg.lstsq(root[:, None] * centred, root * rest, rcond=1e-10)
    values: NDArray[np.float64] = equal + solution
    return values


def _weight(parts: int, size: int) -> float:
    """Return what all coalitions of a size and of the opposite size weigh together."""
    return (parts - 1) / (size * (parts - size)) * (1 if 2 * size == parts else 2)


def _count(parts: int, size: int) -> int:
    return comb(parts, size) * (1 if 2 * size == parts else 2)


def _all_of_size(parts: int, size: int) -> NDArray[np.bool_]:
    """Return all coalitions of a size and of the opposite size."""
    members = np.array(list(combinations(range(parts), size)))
    shown = np.zeros((len(members), parts), bool)
    shown[np.arange(len(members))[:, None], members] = True
    return shown if 2 * size == parts else np.concatenate([shown, ~shown])


def _drawn(
    parts: int, sizes: range, count: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Return coalitions of sizes drawn by their weight, (count, P)."""
    weights = np.array([_weight(parts, one) for one in sizes])
    chosen = generator.choice(sizes, size=count, p=weights / weights.sum())
    ranks = generator.random((count, parts)).argsort(axis=1).argsort(axis=1)
    drawn: NDArray[np.bool_] = ranks < chosen[:, None]
    return drawn
