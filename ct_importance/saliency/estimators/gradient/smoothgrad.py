"""SmoothGrad: the mean gradient of noisy copies (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.shared.noisy_gradients import NoisyEstimator

if TYPE_CHECKING:
    import torch


class SmoothGrad(NoisyEstimator):
    """The mean of dS(x + N(0, s^2))/dx (Smilkov et al. 2017, section 3)."""

    title: ClassVar[str] = "SmoothGrad"
    colour: ClassVar[str] = "#2F97E8"
    dashes: ClassVar[tuple[float, ...]] = (5, 1)
    reference: ClassVar[str] = "Smilkov et al. 2017, arXiv 1706.03825"

    def attribute(self, batch: Batch, noisy: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the mean gradient, (N, C, *space)."""
        return noisy["mean"]
