"""LayerCAM: the maps of a layer, each place weighted by its own positive gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimators.cam._cam import GradientCam

if TYPE_CHECKING:
    import torch


class LayerCam(GradientCam):
    """ReLU(sum_k ReLU(dS/dA_k) A_k), place by place (Jiang et al. 2021).

    Made for early layers, too, whose grid is finer: name one as ``layer``. What lowers the score
    has no part in it. ``relu`` is that of the sum.
    """

    title: ClassVar[str] = "LayerCAM"
    colour: ClassVar[str] = "#332288"
    dashes: ClassVar[tuple[float, ...]] = (7, 1, 1, 1)
    reference: ClassVar[str] = "Jiang et al. 2021, doi 10.1109/TIP.2021.3089943"

    def weights(self, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        """Return the positive gradient of each place, (n, channels, rows, columns)."""
        return gradients.relu()
