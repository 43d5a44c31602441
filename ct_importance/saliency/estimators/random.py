"""Random importance: what a method without any knowledge scores (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ct_importance.saliency.estimator import Context, EstimatorOptions

if TYPE_CHECKING:
    import torch

FOLLOWS_PREDICTION = False
NEEDS_TRAINING_SLICES = False


class Options(EstimatorOptions):
    """Random importance has no options."""


def gradient_passes(options: Options) -> int:
    """Return the number of gradients of each slice."""
    return 0


def compute_importance(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> torch.Tensor:
    """Return a value from [0, 1) for each pixel; the classifier is not asked.

    Args:
        classifier: Not used.
        images: (N, 1, H, W), for their shape.
        context: See `ct_importance.saliency.estimator.Context`.

    Returns:
        Maps (N, H, W).
    """
    import numpy as np
    import torch

    from ct_importance.compute.randomness import generator_for

    maps = [
        generator_for(context.seed, slice_id, context.name).random(
            tuple(images.shape[2:]), dtype=np.float32
        )
        for slice_id in context.slice_ids
    ]
    return torch.from_numpy(np.stack(maps)).to(images)
