"""From slices to importance maps: what every estimator has in common."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np
import torch
from torch import nn

from scripts.errors import InputError
from scripts.saliency.contract import Context, training_slices
from scripts.saliency.score import ExplainedScore, Target

logger = logging.getLogger(__name__)


def compute_maps(
    estimator: ModuleType,
    network: nn.Module,
    batches: Iterable[tuple[Sequence[str], np.ndarray]],
    logits: Mapping[str, float],
    context: Context,
    target: Target = "logit",
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield the importance maps of batches of slices.

    Maps of estimators with ``FOLLOWS_PREDICTION`` are negated where the classifier predicts
    class 0, so that positive means "for the prediction made".

    Args:
        estimator: Module from `scripts.saliency.registry.load_estimator`.
        network: The classifier in eval mode on ``context.device``, parameters without gradient.
        batches: Pairs of slice ids and images (n, H, W), float32 in [0, 1].
        logits: The classifier's logit by slice id; asked only if the sign follows it.
        context: What is the same for all batches; its ``slice_ids`` are replaced.
        target: Whether the logit or the probability is explained.

    Yields:
        Slice ids of a batch and their maps (n, H, W), float32.

    Raises:
        InputError: If a map has a value that is not finite, a slice has no prediction, or the
            estimator needs training slices and there are none.
    """
    score = ExplainedScore(network, target)
    if estimator.NEEDS_TRAINING_SLICES:
        context = replace(context, training_images=training_slices(context))
    for slice_ids, images in batches:
        batch = replace(context, slice_ids=list(slice_ids))
        x = torch.tensor(images, dtype=torch.float32, device=context.device).unsqueeze(1)
        maps = estimator.compute_importance(score, x, batch).detach().float().cpu().numpy()
        _check(maps, images.shape, batch)
        if estimator.FOLLOWS_PREDICTION:
            maps = maps * _signs(batch, logits)[:, None, None]
        yield batch.slice_ids, maps


def _signs(context: Context, logits: Mapping[str, float]) -> np.ndarray:
    missing = [slice_id for slice_id in context.slice_ids if slice_id not in logits]
    if missing:
        raise InputError(
            f"{context.estimator}: no prediction for slice {missing[0]}; the sign of its map "
            "follows the prediction: predict every slice that is explained"
        )
    contrast = np.array([logits[slice_id] > 0 for slice_id in context.slice_ids])
    return np.where(contrast, 1, -1).astype(np.float32)


def _check(maps: np.ndarray, shape: tuple[int, ...], context: Context) -> None:
    if maps.shape != shape:
        raise ValueError(f"{context.estimator}: maps of shape {maps.shape}, expected {shape}")
    for slice_id, importance in zip(context.slice_ids, maps, strict=True):
        if not np.isfinite(importance).all():
            raise InputError(
                f"{context.estimator}: the importance map of slice {slice_id} has values that are "
                "not finite; check the slice and the weights of the classifier"
            )
        if importance.min() == importance.max():
            logger.warning(
                "%s: the importance map of slice %s is constant (%g); with target: probability a "
                "saturated sigmoid does that, target: logit does not",
                context.estimator,
                slice_id,
                importance.flat[0],
            )
