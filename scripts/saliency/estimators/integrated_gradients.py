"""Integrated Gradients with a black reference (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scripts.saliency.contract import Context, EstimatorOptions

if TYPE_CHECKING:
    import torch

FOLLOWS_PREDICTION = True
NEEDS_TRAINING_SLICES = False

BLACK = 0.0


class Options(EstimatorOptions):
    """Options of Integrated Gradients."""

    steps: int = Field(25, ge=2)  # captum refuses 1
    """Points on the way from the reference to the image (the paper's m)."""


def compute_importance(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> torch.Tensor:
    """Return Integrated Gradients from black (Sundararajan et al. 2017, equation 3).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `scripts.saliency.contract.Context`.

    Returns:
        Maps (N, H, W).
    """
    from scripts.saliency.integration import integrate_gradients

    return integrate_gradients(
        classifier, images, BLACK, context.options.steps, context.images_per_pass
    )
