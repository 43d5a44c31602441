"""SmoothGrad-squared: the mean of squared gradients of noisy copies (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.shared.noisy_gradients import NoisyEstimator

if TYPE_CHECKING:
    import torch


class SmoothGradSquared(NoisyEstimator):
    """The mean of (dS(x + N(0, s^2))/dx)^2, never negative (Hooker et al. 2019)."""

    title: ClassVar[str] = "SmoothGrad Squared"
    colour: ClassVar[str] = "#0072B2"
    dashes: ClassVar[tuple[float, ...]] = ()
    reference: ClassVar[str] = "Hooker et al. 2019, arXiv 1806.10758"

    def attribute(self, batch: Batch, noisy: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the mean squared gradient, (N, C, *space)."""
        return noisy["mean_square"]
