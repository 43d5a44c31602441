"""Score-CAM: the maps of a layer, weighted by the score of what they let through."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost
from ct_importance.saliency.estimators.cam._cam import Cam

if TYPE_CHECKING:
    import torch

    from ct_importance.saliency.layers.features import Look


class ScoreCam(Cam):
    """ReLU(sum_k w_k A_k), w = softmax over k of S(x * H_k) (Wang et al. 2020, algorithm 1).

    H_k is the map A_k, enlarged and scaled to [0, 1]; a map that is constant lets nothing through.
    (The score of a black slice, which the paper subtracts, cancels in the softmax.) Masked slices
    are like none that the classifier was trained on, and weights are never negative: of two maps
    that say the opposite of each other both are shown.
    """

    title: ClassVar[str] = "Score-CAM"
    colour: ClassVar[str] = "#AA4499"
    dashes: ClassVar[tuple[float, ...]] = (2.5, 1)
    reference: ClassVar[str] = "Wang et al. 2020, arXiv 1910.01279"

    channels: int = Field(2048, ge=1, le=100_000)
    """Most maps to try, those that vary most from place to place; the paper tries all, which are
    2048 in the last layer of a ResNet-50."""

    def cost(self) -> Cost:
        """Return a pass per map, and the one in which they are seen; of fewer maps it is less."""
        return Cost(forward=1 + self.channels)

    def maps(
        self, look: Look, batch: Batch, images: torch.Tensor, targets: torch.Tensor
    ) -> torch.Tensor:
        """Return the weighted sum of the maps, (n, rows, columns)."""
        import torch

        with torch.no_grad():
            found = zip(images, targets, look.values(images), strict=True)
            return torch.stack([self._map(batch, *each) for each in found])

    def _map(
        self, batch: Batch, image: torch.Tensor, target: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Return the map of an image (C, H, W) whose layer answers (channels, rows, columns)."""
        import torch

        from ct_importance.compute.device import with_less_if_needed
        from ct_importance.saliency.layers.grid import upsampled

        if len(values) > self.channels:
            spread = values.flatten(1).var(dim=1)
            values = values[spread.argsort(descending=True, stable=True)[: self.channels]]

        def ask(values: torch.Tensor) -> torch.Tensor:
            masks = upsampled(values, image.shape)
            low, high = masks.amin((2, 3), keepdim=True), masks.amax((2, 3), keepdim=True)
            scaled = (masks - low) / (high - low).where(high > low, 1)
            answers: torch.Tensor = batch.scores(image * scaled)[:, target]
            return answers

        parts = values.split(batch.images_per_pass)
        weights = torch.cat([with_less_if_needed(ask, part) for part in parts]).softmax(dim=0)
        return (weights[:, None, None] * values).sum(dim=0)
