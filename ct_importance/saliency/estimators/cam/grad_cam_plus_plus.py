"""Grad-CAM++: the maps of a layer, weighted by what raises the score anywhere in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimators.cam._cam import GradientCam

if TYPE_CHECKING:
    import torch


class GradCamPlusPlus(GradientCam):
    """ReLU(sum_k w_k A_k), w_k = sum(a_k ReLU(g)) with g = dS/dA_k (Chattopadhyay et al. 2018).

    a_k = g^2 / (2 g^2 + sum(A_k) g^3), 0 where g is 0 (equation 19, for exp(S), whose factor
    exp(S) scales a map as a whole and is left out). What lowers the score has no part in it: of
    one logit, the maps for the two classes are not each other's opposite. ``relu`` is that of the
    sum; of maps that are never negative it changes nothing.
    """

    title: ClassVar[str] = "Grad-CAM++"
    colour: ClassVar[str] = "#332288"
    dashes: ClassVar[tuple[float, ...]] = (5, 1)
    reference: ClassVar[str] = "Chattopadhyay et al. 2018, arXiv 1710.11063"

    def weights(self, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        """Return the weights (equation 19), (n, channels, 1, 1)."""
        total = values.sum(dim=(2, 3), keepdim=True)
        # Divided by g^2, which underflows where gradients are small: 1 / (2 + sum(A) g).
        divisor = 2 + total * gradients
        alpha = (gradients != 0) / divisor.where(divisor != 0, 1)
        return (alpha * gradients.relu()).sum(dim=(2, 3), keepdim=True)
