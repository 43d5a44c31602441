"""Guided backpropagation: the gradient along paths that are active and argue for the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.operations.relus import ChangedReLUs

if TYPE_CHECKING:
    import torch


class GuidedBackprop(ChangedReLUs):
    """The backward pass of S; a ReLU passes a gradient where it and the activation are positive.

    Its maps are sharp because they restore the image: they hardly change when the weights are
    replaced by random ones (Adebayo et al. 2018), and say little of what the classifier uses.
    """

    title: ClassVar[str] = "Guided Backpropagation"
    colour: ClassVar[str] = "#882255"
    dashes: ClassVar[tuple[float, ...]] = (4, 1, 1, 1)
    reference: ClassVar[str] = "Springenberg et al. 2015, arXiv 1412.6806"

    @staticmethod
    def rule(before: torch.Tensor, behind: torch.Tensor) -> torch.Tensor:
        """Return the gradient, which the activation has masked, where it is positive."""
        return before.relu()
