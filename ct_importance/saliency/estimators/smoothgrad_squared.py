"""SmoothGrad-squared: the mean of squared gradients of noisy copies (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator, Target
from ct_importance.saliency.shared.noisy_gradients import NoisyGradients

if TYPE_CHECKING:
    import torch


class SmoothGradSquared(Estimator):
    """The mean of (dS(x + N(0, s^2))/dx)^2, never negative (Hooker et al. 2019)."""

    title: ClassVar[str] = "SmoothGrad Squared"
    colour: ClassVar[str] = "#0072B2"
    dashes: ClassVar[tuple[float, ...]] = ()
    reference: ClassVar[str] = "Hooker et al. 2019, arXiv 1806.10758"

    target: Target = "last"
    samples: int = Field(15, ge=1, le=10_000)
    """Noisy copies of each slice (the paper's n)."""
    noise: float = Field(0.15, ge=0)
    """Standard deviation of the noise, as a fraction of the range of the slice's pixels."""

    def shared(self) -> dict[str, NoisyGradients]:
        """Return the gradients of noisy copies, which SmoothGrad uses too."""
        options = {"samples": self.samples, "noise": self.noise, "target": self.target}
        return {"noisy": NoisyGradients(**options)}

    def cost(self) -> Cost:
        """Return the gradients of the noisy copies."""
        return self.shared()["noisy"].cost()

    def attribute(self, batch: Batch, noisy: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the mean squared gradient, (N, C, *space)."""
        return noisy["mean_square"]
