"""What the estimators have in common that weigh the maps of a layer (CAM, Zhou et al. 2016)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from ct_importance.saliency.estimator import Batch, Cost
from ct_importance.saliency.layers.estimator import OfLayer

if TYPE_CHECKING:
    import torch

    from ct_importance.saliency.layers.features import Look


class Cam(OfLayer):
    """Weighs the maps of a layer, and enlarges their sum to the grid of the slice.

    Enlarged bilinearly, with ``align_corners=False``. The score explained is that of the predicted
    class unless ``target`` says otherwise: of a single logit, ReLU would hide all that speaks for
    the first class.
    """

    relu: bool = True
    """Leave out what speaks against the class, as negative values of the map."""

    def cost(self) -> Cost:
        """Return one pass, whose way back ends at the layer."""
        return Cost(forward=1, backward=1)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the enlarged map, (N, 1, H, W).

        Raises:
            InputError: If the layer will not do.
        """
        from ct_importance.saliency.gradients import in_passes
        from ct_importance.saliency.layers.features import Look
        from ct_importance.saliency.layers.grid import upsampled

        look = Look(batch, self.layer)

        def explain(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            maps = self.maps(look, batch, images.detach(), targets)
            return upsampled(maps.relu() if self.relu else maps, images.shape)

        return in_passes(explain, batch)

    @abstractmethod
    def maps(
        self, look: Look, batch: Batch, images: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """Return the map of each image in the grid of the layer, (n, rows, columns).

        Args:
            look: At the layer.
            batch: What the images are of.
            images: (n, C, H, W).
            targets: (n,), the class of each that is explained.
        """


class GradientCam(Cam):
    """Weighs the maps of a layer by the gradients of the score there."""

    def maps(
        self, look: Look, batch: Batch, images: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """Return the sum over the channels of weight times value, (n, rows, columns)."""
        values, gradients = look.features(images, targets)
        return (self.weights(values, gradients) * values).sum(dim=1)

    @abstractmethod
    def weights(self, values: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
        """Return the weights of channels, (n, channels, 1, 1), or of each place in them.

        Args:
            values: (n, channels, rows, columns).
            gradients: Of the score by the values, of the same shape.
        """
