"""HiResCAM: the maps of a layer, each place weighted by its own gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimators.cam._cam import GradientCam

if TYPE_CHECKING:
    import torch


class HiResCam(GradientCam):
    """sum_k dS/dA_k A_k, place by place (Draelos and Carin 2020).

    Where only linear layers follow, its values (before they are enlarged) sum up to the score less
    its bias, so that no place is shown that the score does not depend on. Without ReLU, as defined.
    """

    title: ClassVar[str] = "HiResCAM"
    colour: ClassVar[str] = "#332288"
    dashes: ClassVar[tuple[float, ...]] = (2.5, 1)
    reference: ClassVar[str] = "Draelos and Carin 2020, arXiv 2011.08891"

    relu: bool = False
    """Leave out what speaks against the class, as negative values of the map."""

    def weights(self, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        """Return the gradient of each place, (n, channels, rows, columns)."""
        return gradients
