"""Integrated Gradients with a black reference (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator
from ct_importance.saliency.shared.path_gradients import PathGradients, Steps

if TYPE_CHECKING:
    import torch


class IntegratedGradients(Steps, Estimator):
    """Integrated Gradients from black (Sundararajan et al. 2017, equation 3)."""

    title: ClassVar[str] = "Integrated Gradients"
    colour: ClassVar[str] = "#7A4A00"
    dashes: ClassVar[tuple[float, ...]] = (2.5, 1)
    reference: ClassVar[str] = "Sundararajan et al. 2017, arXiv 1703.01365"
    complete: ClassVar[str] = "S(x) - S(black)"

    def shared(self) -> dict[str, PathGradients]:
        """Return the path from black, which the estimator with two references uses too."""
        return {"black": PathGradients(reference=0.0, steps=self.steps, target=self.target)}

    def cost(self) -> Cost:
        """Return the gradients of the path."""
        return self.shared()["black"].cost()

    def attribute(self, batch: Batch, black: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the integral over the path, (N, C, *space)."""
        return black["integral"]
