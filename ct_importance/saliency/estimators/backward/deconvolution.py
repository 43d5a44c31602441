"""Deconvolution: a backward pass that lets only positive signals through (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Target
from ct_importance.saliency.operations.relus import ChangedReLUs

if TYPE_CHECKING:
    import torch


class Deconvolution(ChangedReLUs):
    """The backward pass of S with ReLU applied to the gradient at each ReLU.

    The mask of the forward pass is not used (Zeiler and Fergus 2014, section 2.1). The operation is
    changed, not the module: however a network spells its ReLUs, they are found.
    """

    title: ClassVar[str] = "Deconvolution"
    colour: ClassVar[str] = "#000000"
    dashes: ClassVar[tuple[float, ...]] = (3, 1, 1, 1)
    reference: ClassVar[str] = "Zeiler and Fergus 2014, arXiv 1311.2901"

    target: Target = "last"

    @staticmethod
    def rule(before: torch.Tensor, behind: torch.Tensor) -> torch.Tensor:
        """Return the gradient behind the ReLU where it is positive."""
        return behind.relu()
