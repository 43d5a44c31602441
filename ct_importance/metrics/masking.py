"""Masks the pixels of a slice in the order of their importance, and asks the classifier again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ct_importance.compute.randomness import generator_for
from ct_importance.errors import InputError

if TYPE_CHECKING:
    from ct_importance.classifier.forward.runtime import Answers, Fixed, Imputed
    from ct_importance.metrics.metric import Maps, Probe, Sample

ORDERS = ("mif", "lif")
"""Most important pixels first, least important pixels first."""
Ranks = dict[tuple[str, str], NDArray[np.int32]]
"""By variant and order: (H, W), when each pixel is masked, 0 for the first."""


def ranks_of(sample: Sample, maps: Maps, probe: Probe, orders: Iterable[str] = ORDERS) -> Ranks:
    """Return when each pixel of a slice is masked, by each of its maps.

    Args:
        sample: The slice, whose id decides the order of equally important pixels.
        maps: Importance maps (H, W) by variant.
        probe: Tells the seed of the run, which does, too.
        orders: Of `ORDERS`.

    Raises:
        InputError: If a map is not finite.
    """
    assert sample.image is not None, "which the metric needs"
    ties = generator_for(probe.seed, sample.slice_id, "fidelity ties")
    tie_order = ties.permutation(sample.image.size)
    return {
        (variant, order): rank_pixels(importance, tie_order, order)
        for variant, importance in maps.items()
        for order in orders
    }


def rank_pixels(
    importance: np.ndarray, tie_order: NDArray[np.int64], order: str
) -> NDArray[np.int32]:
    """Return when each pixel is masked, (H, W), 0 for the pixel masked first.

    Args:
        importance: (H, W), finite.
        tie_order: Permutation of the H * W pixels; of equally important ones, the earlier here
            is masked earlier in both orders, so that a constant map scores exactly 0.
        order: Of `ORDERS`.

    Raises:
        InputError: If the importance is not finite.
    """
    if not np.isfinite(importance).all():
        raise InputError("the importance map has values that are not finite")
    shuffled = importance.ravel()[tie_order]
    key = -shuffled if order == "mif" else shuffled
    rank = np.empty(shuffled.size, np.int32)
    rank[tie_order[np.argsort(key, kind="stable")]] = np.arange(shuffled.size)
    return rank.reshape(importance.shape)


def scores_while_masked(
    image: NDArray[np.float32],
    ranks: NDArray[np.int32],
    counts: NDArray[np.int64],
    fill: Fixed | Imputed,
    probe: Probe,
    batch: int | None,
) -> Answers:
    """Return the scores of an image with the first pixels of several orders masked.

    Args:
        image: (H, W) in [0, 1].
        ranks: (R, H, W): when each pixel is masked, in each of R orders.
        counts: (C,) numbers of masked pixels.
        fill: What takes their place.
        probe: Has the classifier.
        batch: Images per pass; None for as many as suit the device.

    Returns:
        (R, C, K) float32.

    Raises:
        InputError: If a score is not finite.
    """
    classifier = probe.classifier
    assert classifier is not None, "which the metric needs"
    # The untouched and the fully masked image are the same in every order: one pass serves all.
    alike = (counts == 0) | (counts == image.size)
    jobs = np.array(
        [(0, count) for count in counts[alike]]
        + [(order, count) for order in range(len(ranks)) for count in counts[~alike]],
        np.int64,
    )
    scores = classifier.masked_scores(image, ranks, jobs, fill, batch)
    if not np.isfinite(scores).all():
        raise InputError("the classifier gave a logit that is not finite; check its weights")
    table = np.empty((len(ranks), len(counts), scores.shape[1]), np.float32)
    table[:, alike] = scores[: alike.sum()]
    table[:, ~alike] = scores[alike.sum() :].reshape(len(ranks), -1, scores.shape[1])
    return table


def with_masked(
    image: NDArray[np.float32], masks: NDArray[np.bool_], fill: Fixed | Imputed
) -> NDArray[np.float32]:
    """Return an image with some of its pixels masked, in several ways.

    Args:
        image: (H, W) in [0, 1].
        masks: (n, H, W), True where a pixel is masked.
        fill: What takes their place.

    Returns:
        (n, H, W).
    """
    if callable(fill):
        return fill(masks)
    return np.where(masks, np.asarray(fill, np.float32), image)
