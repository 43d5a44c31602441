"""DeepLIFT: how much each pixel adds to the difference of the score from that of a baseline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from ct_importance.saliency.estimator import Batch, Cost, Estimator, References

if TYPE_CHECKING:
    import torch

BASELINES = {"black": 0.0, "grey": 0.5, "white": 1.0}


class DeepLift(Estimator):
    """(x - x') times multipliers, of each activation the slope between x and the baseline x'.

    The map sums up to S(x) - S(x') (Shrikumar et al. 2017, rescale rule). Pixels that are as the
    baseline is are never important.
    """

    title: ClassVar[str] = "DeepLIFT"
    colour: ClassVar[str] = "#994F00"
    reference: ClassVar[str] = "Shrikumar et al. 2017, arXiv 1704.02685"
    complete: ClassVar[str] = "S(x) - S(the baseline)"

    baseline: Literal["black", "grey", "white"] = "black"
    """What pixels are compared with."""

    def cost(self) -> Cost:
        """Return a gradient of the slice and its baseline together."""
        return Cost(forward=2, backward=2)

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return that attention has no rule."""
        if "attention" in parts:
            return "DeepLIFT has no rule for attention: take integrated_gradients instead"
        return None

    def references(self, batch: Batch) -> References:
        """Return the baseline."""
        from ct_importance.saliency.completeness import grey

        return grey(batch, BASELINES[self.baseline])

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the differences times their multipliers, (N, C, *space).

        Raises:
            InputError: If the network has an operation that there is no rule for.
        """
        import torch

        from ct_importance.saliency.gradients import in_passes, input_gradient
        from ct_importance.saliency.operations.rescaling import Rescaling

        value = BASELINES[self.baseline]

        def explain(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            rescaling = Rescaling(batch.name)

            def scores(points: torch.Tensor) -> torch.Tensor:
                pairs = torch.cat([points, torch.full_like(points, value)])
                with rescaling:
                    answers: torch.Tensor = batch.scores(pairs)
                return answers[: len(points)]

            multipliers = input_gradient(scores, images, targets, rescaling.change)
            return (images - value) * multipliers

        halved = replace(batch, images_per_pass=max(1, batch.images_per_pass // 2))
        return in_passes(explain, halved)
