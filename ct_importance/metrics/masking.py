"""Masks the pixels of a slice in the order of their importance, and asks the classifier again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ct_importance.compute.randomness import generator_for
from ct_importance.errors import InputError

if TYPE_CHECKING:
    from ct_importance.classifier.forward.runtime import Answers
    from ct_importance.metrics.filling import Filling
    from ct_importance.metrics.metric import Maps, Probe, Sample

ORDERS = ("mif", "lif")
"""Most important pixels first, least important pixels first."""


def scores_while_masked(
    sample: Sample,
    maps: Maps,
    orders: Sequence[str],
    counts: NDArray[np.int64],
    fill: Filling,
    probe: Probe,
    batch: int | None,
) -> dict[tuple[str, str], Answers]:
    """Return the scores of a slice with its first pixels masked, in orders of its maps.

    Args:
        sample: The slice, whose id decides the order of equally important pixels.
        maps: Importance maps (H, W) by variant.
        orders: Of `ORDERS`.
        counts: (C,) numbers of masked pixels.
        fill: What takes their place.
        probe: Has the classifier; its seed decides the order of tied pixels, too.
        batch: Images per pass; None for as many as suit the device.

    Returns:
        By variant and order, (C, K) float32.

    Raises:
        InputError: If a map or a score is not finite.
    """
    image, classifier = sample.image, probe.classifier
    assert image is not None, "which the metric needs"
    assert classifier is not None, "which the metric needs"
    ties = generator_for(probe.seed, sample.slice_id, "fidelity ties").permutation(image.size)
    ranks = {
        (variant, order): rank_pixels(importance, ties, order)
        for variant, importance in maps.items()
        for order in orders
    }
    # The untouched and the fully masked image are the same in every order: one pass serves all.
    alike = (counts == 0) | (counts == image.size)
    jobs = np.array(
        [(0, count) for count in counts[alike]]
        + [(order, count) for order in range(len(ranks)) for count in counts[~alike]],
        np.int64,
    )
    of_slice = fill.of(sample, probe)
    scores = classifier.masked_scores(image, np.stack(list(ranks.values())), jobs, of_slice, batch)
    check_scores(scores)
    table = np.empty((len(ranks), len(counts), scores.shape[1]), np.float32)
    table[:, alike] = scores[: alike.sum()]
    table[:, ~alike] = scores[alike.sum() :].reshape(len(ranks), -1, scores.shape[1])
    return dict(zip(ranks, table, strict=True))


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


def check_scores(scores: Answers) -> None:
    """Raise an error of scores of a classifier that are not finite.

    Raises:
        InputError: If one is not.
    """
    if not np.isfinite(scores).all():
        raise InputError("the classifier gave a logit that is not finite; check its weights")
