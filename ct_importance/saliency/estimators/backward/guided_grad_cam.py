"""Guided Grad-CAM: guided backpropagation where Grad-CAM sees the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost
from ct_importance.saliency.estimators.backward.guided_backprop import GuidedBackprop
from ct_importance.saliency.estimators.cam.grad_cam import GradCam

if TYPE_CHECKING:
    import torch


class GuidedGradCam(GradCam):
    """Guided backpropagation times the enlarged Grad-CAM (Selvaraju et al. 2017, section 3.3).

    As fine as the first and, unlike it, of a class. Its details still come from guided
    backpropagation, which restores edges whatever the weights are (Adebayo et al. 2018).
    """

    title: ClassVar[str] = "Guided Grad-CAM"
    colour: ClassVar[str] = "#332288"
    dashes: ClassVar[tuple[float, ...]] = (4, 1, 1, 1)

    def cost(self) -> Cost:
        """Return a gradient, and the pass of Grad-CAM."""
        return super().cost() + Cost(forward=1, backward=1)

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return why a network without ReLUs has no such map."""
        return GuidedBackprop().unfit(parts)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the product, (N, C, *space).

        Raises:
            InputError: If the layer will not do, or the network has no ReLU.
        """
        return GuidedBackprop().attribute(batch) * super().attribute(batch)
