"""Backpropagation: the gradient itself (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator, Target

if TYPE_CHECKING:
    import torch


class Backpropagation(Estimator):
    """dS/dx, signed (Simonyan et al. 2013, section 3)."""

    title: ClassVar[str] = "Backpropagation"
    colour: ClassVar[str] = "#CC79A7"
    dashes: ClassVar[tuple[float, ...]] = (7, 1, 1, 1, 1, 1)
    reference: ClassVar[str] = "Simonyan et al. 2013, arXiv 1312.6034"

    target: Target = "last"

    def cost(self) -> Cost:
        """Return one gradient."""
        return Cost(forward=1, backward=1)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return dS/dx, (N, C, *space)."""
        from captum.attr import Saliency

        from ct_importance.saliency.gradients import in_passes

        method = Saliency(batch.scores)
        return in_passes(
            lambda images, targets: method.attribute(images, target=targets, abs=False), batch
        )
