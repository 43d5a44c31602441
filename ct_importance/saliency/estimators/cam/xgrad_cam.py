"""XGrad-CAM: the maps of a layer, weighted by gradients where the maps are active."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimators.cam._cam import GradientCam

if TYPE_CHECKING:
    import torch


class XGradCam(GradientCam):
    """ReLU(sum_k w_k A_k), w_k = sum(A_k dS/dA_k) / sum(A_k) (Fu et al. 2020).

    Made for maps behind a ReLU: of maps of both signs the divisor can be near 0, and a single map
    then rules. A map that sums up to 0 has no weight.
    """

    title: ClassVar[str] = "XGrad-CAM"
    colour: ClassVar[str] = "#AA4499"
    reference: ClassVar[str] = "Fu et al. 2020, arXiv 2008.02312"

    def weights(self, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        """Return the mean gradient of each map, weighted by its values, (n, channels, 1, 1)."""
        total = values.sum(dim=(2, 3), keepdim=True)
        weighted = (values * gradients).sum(dim=(2, 3), keepdim=True)
        return weighted / total.where(total != 0, 1) * (total != 0)
