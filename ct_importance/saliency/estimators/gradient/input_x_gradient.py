"""Input x gradient: the first-order share of each pixel in the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import torch


class InputXGradient(Estimator):
    """x * dS/dx (Shrikumar et al. 2016).

    Black pixels are never important. In a network of ReLUs without biases the map sums up to S;
    with biases it does not.
    """

    title: ClassVar[str] = "Input x Gradient"
    colour: ClassVar[str] = "#117733"
    dashes: ClassVar[tuple[float, ...]] = (6, 1.5)
    reference: ClassVar[str] = "Shrikumar et al. 2016, arXiv 1605.01713"

    def cost(self) -> Cost:
        """Return one gradient."""
        return Cost(forward=1, backward=1)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return x * dS/dx, (N, C, *space)."""
        from ct_importance.saliency.gradients import in_passes, input_gradient

        def explain(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return images * input_gradient(batch.scores, images, targets)

        return in_passes(explain, batch)
