"""FullGrad: the shares of pixels in the score, and of the biases of each layer where they act."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import torch


class FullGrad(Estimator):
    """p(x * dS/dx) + sum over layers and channels of p(bias * dS/d(answer)).

    p takes the absolute value, stretches it to [0, 1] over the layer, and resizes it to the slice
    (Srinivas and Fleuret 2019, equation 6); batch normalisation counts as a bias, too. The shares
    sum up to S, but the map does not, and it is never negative: it does not tell for from against.
    """

    title: ClassVar[str] = "FullGrad"
    colour: ClassVar[str] = "#1A6E8E"
    dashes: ClassVar[tuple[float, ...]] = (7, 2)
    reference: ClassVar[str] = "Srinivas and Fleuret 2019, arXiv 1905.00780"

    def cost(self) -> Cost:
        """Return one gradient."""
        return Cost(forward=1, backward=1)

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return that shares sum up to the score only in networks of ReLUs and linear layers."""
        without = sorted(parts - {"relu"})
        if without:
            return (
                "FullGrad is for networks of ReLUs and linear layers, and this one has "
                f"{' and '.join(without)}: take integrated_gradients"
            )
        return None

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the sum of the shares of all layers, (N, C, *space).

        Raises:
            InputError: If the network has an operation that shares do not pass.
        """
        import torch
        from torch.nn.functional import interpolate

        from ct_importance.saliency.gradients import in_passes, input_gradient
        from ct_importance.saliency.operations.shares import BiasShares

        def explain(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            collected = BiasShares(batch.name)

            def scores(points: torch.Tensor) -> torch.Tensor:
                with collected:
                    answers: torch.Tensor = batch.scores(points)
                return answers

            total = stretched(images * input_gradient(scores, images, targets, collected.change))
            for shares in collected.shares:
                if shares.ndim == images.ndim:  # layers without places have none in the map
                    # Resizing is linear: of the sum over channels it is the sum of theirs.
                    united = stretched(shares).sum(1, keepdim=True)
                    size = images.shape[2:]
                    total = total + interpolate(united, size, mode="bilinear", align_corners=True)
            return total

        def stretched(shares: torch.Tensor) -> torch.Tensor:
            flat = shares.abs().flatten(1)
            flat = flat - flat.amin(1, keepdim=True)
            return (flat / (flat.amax(1, keepdim=True) + torch.finfo(flat.dtype).eps)).view_as(
                shares
            )

        return in_passes(explain, batch)
