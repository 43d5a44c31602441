"""Integrated Gradients with black and white references (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scripts.saliency.contract import Context, EstimatorOptions

if TYPE_CHECKING:
    import torch

FOLLOWS_PREDICTION = True
NEEDS_TRAINING_SLICES = False

BLACK_AND_WHITE = (0.0, 1.0)


class Options(EstimatorOptions):
    """Options of Integrated Gradients with two references."""

    steps: int = Field(25, ge=2)  # captum refuses 1
    """Points on the way from each reference to the image (the paper's m)."""


def compute_importance(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> torch.Tensor:
    """Return the mean of Integrated Gradients from black and from white.

    With black alone, black pixels can never be important (Kapishnikov et al. 2019).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `scripts.saliency.contract.Context`.

    Returns:
        Maps (N, H, W).
    """
    from scripts.saliency.integration import integrate_gradients

    black, white = (
        integrate_gradients(
            classifier, images, reference, context.options.steps, context.images_per_pass
        )
        for reference in BLACK_AND_WHITE
    )
    return (black + white) / 2
