"""SmoothGrad: the mean gradient of noisy copies (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator, Target
from ct_importance.saliency.shared.noisy_gradients import NoisyGradients

if TYPE_CHECKING:
    import torch


class SmoothGrad(Estimator):
    """The mean of dS(x + N(0, s^2))/dx (Smilkov et al. 2017, section 3)."""

    title: ClassVar[str] = "SmoothGrad"
    colour: ClassVar[str] = "#56B4E9"
    dashes: ClassVar[tuple[float, ...]] = (5, 1)
    reference: ClassVar[str] = "Smilkov et al. 2017, arXiv 1706.03825"

    target: Target = "last"
    samples: int = Field(15, ge=1, le=10_000)
    """Noisy copies of each slice (the paper's n)."""
    noise: float = Field(0.15, ge=0)
    """Standard deviation of the noise, as a fraction of the range of the slice's pixels."""

    def shared(self) -> dict[str, NoisyGradients]:
        """Return the gradients of noisy copies, which SmoothGrad-squared uses too."""
        options = {"samples": self.samples, "noise": self.noise, "target": self.target}
        return {"noisy": NoisyGradients(**options)}

    def cost(self) -> Cost:
        """Return the gradients of the noisy copies."""
        return self.shared()["noisy"].cost()

    def attribute(self, batch: Batch, noisy: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the mean gradient, (N, C, *space)."""
        return noisy["mean"]
