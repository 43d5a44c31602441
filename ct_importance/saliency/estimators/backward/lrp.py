"""Layer-wise relevance propagation: the score is shared out, layer by layer, down to the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import torch


class LRP(Estimator):
    """R of each pixel, which sums up to S but for what biases take (Bach et al. 2015).

    A composite says which rule each layer follows: `epsilon` for all, which is nearly x * dS/dx;
    `epsilon_plus_flat`, for convolutions only what argues for their answer counts, and the first
    layer shares out equally; `alpha_beta`, for convolutions arguments for and against count apart.
    The last two look at a class only from the last layers: their maps of two classes are alike.
    """

    title: ClassVar[str] = "LRP"
    colour: ClassVar[str] = "#661100"
    reference: ClassVar[str] = "Bach et al. 2015, doi 10.1371/journal.pone.0130140"

    composite: Literal["epsilon", "epsilon_plus_flat", "alpha_beta"] = "epsilon_plus_flat"
    """Which rules are followed (Kohlbrenner et al. 2020, arXiv 1910.09840)."""
    epsilon: float = Field(1e-6, gt=0)
    """Takes relevance from answers that are near 0."""
    alpha: float = Field(2.0, ge=1, le=100)
    """Of `alpha_beta`; beta is alpha - 1."""

    def cost(self) -> Cost:
        """Return one gradient, though a layer is computed up to three times in it."""
        return Cost(forward=1, backward=1)

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return that only networks of ReLUs, sums and layers have rules."""
        without = sorted(parts - {"relu"})
        if without:
            return f"LRP has no rules for {' and '.join(without)}: take integrated_gradients"
        return None

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the relevance, (N, C, *space).

        Raises:
            InputError: If the network has an operation that there is no rule for.
        """
        from ct_importance.saliency.gradients import in_passes, input_gradient
        from ct_importance.saliency.operations.relevance import Relevance

        def explain(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            relevance = Relevance(batch.name, self.composite, self.epsilon, self.alpha)

            def scores(points: torch.Tensor) -> torch.Tensor:
                with relevance.biases:
                    answers: torch.Tensor = batch.scores(points)
                return answers

            return input_gradient(scores, images, targets, relevance.change)

        return in_passes(explain, batch)
