"""Deconvolution: a backward pass that lets only positive signals through (paper, section 2)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator, Target

if TYPE_CHECKING:
    import torch


class Deconvolution(Estimator):
    """The backward pass of S with ReLU applied to the gradient at each ReLU.

    The mask of the forward pass is not used (Zeiler and Fergus 2014, section 2.1). Only ReLU
    modules are changed: a functional ReLU would silently be differentiated as usual.
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
        from captum.attr import Deconvolution as CaptumDeconvolution

        from ct_importance.saliency.gradients import in_passes

        method = CaptumDeconvolution(batch.scores)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU")
            return in_passes(
                lambda images, targets: method.attribute(images, target=targets), batch
            )
