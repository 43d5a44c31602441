"""From slices to importance maps: what every estimator has in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np
import torch
from torch import nn

from ct_importance.saliency.estimator import Context, Part, training_slices
from ct_importance.saliency.finishing import check_maps, finish_maps
from ct_importance.saliency.registry import is_composed, load_part, parts_of
from ct_importance.saliency.target import ExplainedScore, Target


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
        estimator: Module from `ct_importance.saliency.registry.load_estimator`.
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
    if not is_composed(estimator) and estimator.NEEDS_TRAINING_SLICES:
        context = replace(context, training_images=training_slices(context))
    score = ExplainedScore(network, target)
    for slice_ids, images in batches:
        batch, x = _on_device(slice_ids, images, context)
        maps = importance_of(estimator, score, x, batch).detach().float().cpu().numpy()
        if maps.shape != images.shape:
            raise ValueError(f"{batch.name}: maps of {maps.shape}, images of {images.shape}")
        yield batch.slice_ids, finish_maps(estimator, batch.name, batch.slice_ids, maps, logits)


def importance_of(
    estimator: ModuleType, classifier: nn.Module, images: torch.Tensor, context: Context
) -> torch.Tensor:
    """Return the maps (N, H, W) of an estimator of either form, before their sign is set.

    Args:
        estimator: Module from `ct_importance.saliency.registry.load_estimator`.
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `ct_importance.saliency.estimator.Context`.
    """
    if not is_composed(estimator):
        return estimator.compute_importance(classifier, images, context)
    maps = {
        name: load_part(part.kind).compute_part(classifier, images, _context_of(part, context))
        for name, part in parts_of(estimator, context.options).items()
    }
    return estimator.combine(maps)


def compute_parts(
    part: Part,
    network: nn.Module,
    batches: Iterable[tuple[Sequence[str], np.ndarray]],
    context: Context,
    target: Target = "logit",
) -> Iterator[tuple[list[str], dict[str, np.ndarray]]]:
    """Yield the maps that a part gives of batches of slices; arguments as in `compute_maps`.

    Yields:
        Slice ids of a batch and maps (n, H, W), float32, by name.

    Raises:
        InputError: If a map has a value that is not finite.
    """
    module = load_part(part.kind)
    score = ExplainedScore(network, target)
    of_part = _context_of(part, context)
    for slice_ids, images in batches:
        batch, x = _on_device(slice_ids, images, of_part)
        maps = {
            name: values.detach().float().cpu().numpy()
            for name, values in module.compute_part(score, x, batch).items()
        }
        for values in maps.values():
            check_maps(part.name, batch.slice_ids, values)
        yield batch.slice_ids, maps


def _context_of(part: Part, context: Context) -> Context:
    options = load_part(part.kind).Options(**part.options)
    return replace(context, options=options, name=part.kind)


def _on_device(
    slice_ids: Sequence[str], images: np.ndarray, context: Context
) -> tuple[Context, torch.Tensor]:
    x = torch.tensor(images, dtype=torch.float32, device=context.device).unsqueeze(1)
    return replace(context, slice_ids=list(slice_ids)), x
