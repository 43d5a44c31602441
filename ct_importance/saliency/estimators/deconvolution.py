"""Deconvolution: a backward pass that lets only positive signals through (paper, section 2)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from ct_importance.saliency.estimator import Context, EstimatorOptions

if TYPE_CHECKING:
    import torch

FOLLOWS_PREDICTION = False
NEEDS_TRAINING_SLICES = False


class Options(EstimatorOptions):
    """Deconvolution has no options."""


def gradient_passes(options: Options) -> int:
    """Return the number of gradients of each slice."""
    return 1


def compute_importance(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> torch.Tensor:
    """Return the backward pass of S with ReLU applied to the gradient at each ReLU.

    The mask of the forward pass is not used (Zeiler and Fergus 2014, section 2.1). Only ReLU
    modules are changed: a functional ReLU would silently be differentiated as usual.

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `ct_importance.saliency.estimator.Context`.

    Returns:
        Maps (N, H, W).
    """
    from captum.attr import Deconvolution

    from ct_importance.saliency.gradients import in_passes

    method = Deconvolution(classifier)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
        return in_passes(method.attribute, images, context.images_per_pass)
