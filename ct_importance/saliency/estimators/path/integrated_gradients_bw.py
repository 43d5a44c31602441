"""Integrated Gradients with black and white references (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator
from ct_importance.saliency.shared.path_gradients import PathGradients, Steps

if TYPE_CHECKING:
    import torch


class IntegratedGradientsBW(Steps, Estimator):
    """The mean of Integrated Gradients from black and from white.

    With black alone, black pixels can never be important (Kapishnikov et al. 2019).
    """

    title: ClassVar[str] = "Integrated Gradients (B&W)"
    colour: ClassVar[str] = "#D55E00"
    dashes: ClassVar[tuple[float, ...]] = (9, 1.5)
    reference: ClassVar[str] = "Kapishnikov et al. 2019, arXiv 1906.02825"
    complete: ClassVar[str] = "S(x) - (S(black) + S(white)) / 2"

    def shared(self) -> dict[str, PathGradients]:
        """Return the path from black, which Integrated Gradients uses too, and that from white."""
        return {
            name: PathGradients(reference=reference, steps=self.steps, target=self.target)
            for name, reference in (("black", 0.0), ("white", 1.0))
        }

    def cost(self) -> Cost:
        """Return the gradients of both paths."""
        black, white = self.shared().values()
        return black.cost() + white.cost()

    def attribute(
        self, batch: Batch, black: dict[str, torch.Tensor], white: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """Return the mean of both integrals, (N, C, *space)."""
        return (black["integral"] + white["integral"]) / 2
