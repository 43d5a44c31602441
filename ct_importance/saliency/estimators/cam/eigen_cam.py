"""Eigen-CAM: what the maps of a layer have most in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost
from ct_importance.saliency.estimators.cam._cam import Cam

if TYPE_CHECKING:
    import torch

    from ct_importance.saliency.layers.features import Look


class EigenCam(Cam):
    """A v: the maps A (places x channels) along v, their first right singular vector.

    (Muhammad and Yeasin 2020.) No class is explained: it shows what is strong in a layer, whatever
    the classifier makes of it, and ``target`` changes nothing. The sign of v is not defined; it is
    taken such that the map sums up to more than 0. Maps are not centred, as in the paper;
    pytorch-grad-cam centres them.
    """

    title: ClassVar[str] = "Eigen-CAM"
    colour: ClassVar[str] = "#AA4499"
    dashes: ClassVar[tuple[float, ...]] = (5, 1)
    reference: ClassVar[str] = "Muhammad and Yeasin 2020, arXiv 2008.00299"

    relu: bool = False
    """Leave out negative values of the map."""

    def cost(self) -> Cost:
        """Return one pass, forwards alone."""
        return Cost(forward=1)

    def maps(
        self, look: Look, batch: Batch, images: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """Return the projection of the maps, (n, rows, columns)."""
        import torch

        values = look.values(images)
        places = values.flatten(2).transpose(1, 2).double()
        left, strengths, _ = torch.linalg.svd(places, full_matrices=False)
        projected = left[..., 0] * strengths[:, :1]
        signs = projected.sum(dim=1, keepdim=True).sign()
        maps: torch.Tensor = (projected * signs).to(values.dtype)
        return maps.reshape(len(values), *values.shape[2:])
