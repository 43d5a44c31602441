"""The last steps to an importance map, which need no classifier: combination, checks and sign."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import ModuleType

import numpy as np

from ct_importance.errors import InputError

logger = logging.getLogger(__name__)


def combine_maps(
    estimator: ModuleType,
    name: str,
    slices: Iterable[tuple[str, Mapping[str, Mapping[str, np.ndarray]]]],
    logits: Mapping[str, float],
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the importance map of each slice out of the parts of a composed estimator.

    Args:
        estimator: Module from `ct_importance.saliency.registry.load_estimator`.
        name: Name of its entry in config.yaml, for messages.
        slices: Pairs of a slice id and the maps (H, W) of its parts: ``parts[name][map]``.
        logits: The classifier's logit by slice id; asked only if the sign follows it.

    Yields:
        Slice id and map (H, W), float32.

    Raises:
        InputError: If a map has a value that is not finite, or a slice has no prediction.
    """
    for slice_id, parts in slices:
        maps = estimator.combine(parts)[None]
        yield slice_id, finish_maps(estimator, name, [slice_id], maps, logits)[0]


def finish_maps(
    estimator: ModuleType,
    name: str,
    slice_ids: Sequence[str],
    maps: np.ndarray,
    logits: Mapping[str, float],
) -> np.ndarray:
    """Return maps (n, H, W), negated where the classifier predicts class 0 if they follow it.

    Args:
        estimator: Its ``FOLLOWS_PREDICTION`` decides.
        name: For messages.
        slice_ids: One per map.
        maps: (n, H, W).
        logits: The classifier's logit by slice id.

    Raises:
        InputError: If a value is not finite, or a slice has no prediction.
    """
    check_maps(name, slice_ids, maps)
    if not estimator.FOLLOWS_PREDICTION:
        return maps
    return maps * _signs(name, slice_ids, logits)[:, None, None]


def check_maps(name: str, slice_ids: Sequence[str], maps: np.ndarray) -> None:
    """Warn of constant maps (n, H, W).

    Raises:
        InputError: If a value is not finite.
    """
    for slice_id, importance in zip(slice_ids, maps, strict=True):
        if not np.isfinite(importance).all():
            raise InputError(
                f"{name}: the importance map of slice {slice_id} has values that are not finite; "
                "check the slice and the weights of the classifier"
            )
        if importance.min() == importance.max():
            logger.warning(
                "%s: the importance map of slice %s is constant (%g); with target: probability a "
                "saturated sigmoid does that, target: logit does not",
                name,
                slice_id,
                importance.flat[0],
            )


def _signs(name: str, slice_ids: Sequence[str], logits: Mapping[str, float]) -> np.ndarray:
    missing = [slice_id for slice_id in slice_ids if slice_id not in logits]
    if missing:
        raise InputError(
            f"{name}: no prediction for slice {missing[0]}; the sign of its map follows the "
            "prediction: predict every slice that is explained"
        )
    contrast = np.array([logits[slice_id] > 0 for slice_id in slice_ids])
    return np.where(contrast, 1, -1).astype(np.float32)
