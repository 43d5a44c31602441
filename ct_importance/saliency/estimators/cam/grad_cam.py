"""Grad-CAM: the maps of a layer, weighted by their mean gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimators.cam._cam import GradientCam

if TYPE_CHECKING:
    import torch


class GradCam(GradientCam):
    """ReLU(sum_k mean(dS/dA_k) A_k) of the maps A_k of a layer (Selvaraju et al. 2017).

    Where gradients of a map differ in sign from place to place their mean can point to places that
    the score does not depend on; HiResCAM cannot. The grid is coarse: 7 x 7 of a ResNet at 224.
    """

    title: ClassVar[str] = "Grad-CAM"
    colour: ClassVar[str] = "#332288"
    reference: ClassVar[str] = "Selvaraju et al. 2017, arXiv 1610.02391"

    def weights(self, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        """Return the mean gradient of each map (equation 1), (n, channels, 1, 1)."""
        return gradients.mean(dim=(2, 3), keepdim=True)
