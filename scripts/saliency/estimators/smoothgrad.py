"""SmoothGrad: the mean gradient of noisy copies (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from scripts.saliency.contract import Context, EstimatorOptions

if TYPE_CHECKING:
    import torch

FOLLOWS_PREDICTION = False
NEEDS_TRAINING_SLICES = False


class Options(EstimatorOptions):
    """Options of SmoothGrad."""

    samples: int = Field(15, ge=1)
    """Noisy copies of each slice (the paper's n)."""
    noise: float = Field(0.15, ge=0)
    """Standard deviation of the noise, as a fraction of the range of the slice's pixels."""


def compute_importance(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> torch.Tensor:
    """Return the mean of dS(x + N(0, s^2))/dx (Smilkov et al. 2017, section 3).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `scripts.saliency.contract.Context`.

    Returns:
        Maps (N, H, W).
    """
    from scripts.saliency.noise import mean_over_noise

    return mean_over_noise(classifier, images, context)
