"""Deconvolution: a backward pass that lets only positive signals through (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator, Target

if TYPE_CHECKING:
    import torch


class Deconvolution(Estimator):
    """The backward pass of S with ReLU applied to the gradient at each ReLU.

    The mask of the forward pass is not used (Zeiler and Fergus 2014, section 2.1). The operation is
    changed, not the module: however a network spells its ReLUs, they are found.
    """

    title: ClassVar[str] = "Deconvolution"
    colour: ClassVar[str] = "#000000"
    dashes: ClassVar[tuple[float, ...]] = (3, 1, 1, 1)
    reference: ClassVar[str] = "Zeiler and Fergus 2014, arXiv 1311.2901"

    target: Target = "last"

    def cost(self) -> Cost:
        """Return one gradient."""
        return Cost(forward=1, backward=1)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the changed backward pass, (N, C, *space)."""
        from ct_importance.saliency.gradients import in_passes, input_gradient
        from ct_importance.saliency.operations import Deconvolving

        with Deconvolving():
            return in_passes(
                lambda images, targets: input_gradient(batch.scores, images, targets), batch
            )
