"""Backpropagation: the gradient of the explained activation (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ct_importance.saliency.estimator import Context, EstimatorOptions

if TYPE_CHECKING:
    import torch

FOLLOWS_PREDICTION = False
NEEDS_TRAINING_SLICES = False


class Options(EstimatorOptions):
    """Backpropagation has no options."""


def gradient_passes(options: Options) -> int:
    """Return the number of gradients of each slice."""
    return 1


def compute_importance(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> torch.Tensor:
    """Return dS/dx, signed (Simonyan et al. 2013, section 3).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `ct_importance.saliency.estimator.Context`.

    Returns:
        Maps (N, H, W).
    """
    from captum.attr import Saliency

    from ct_importance.saliency.gradients import in_passes

    method = Saliency(classifier)
    return in_passes(
        lambda part: method.attribute(part, abs=False), images, context.images_per_pass
    )
