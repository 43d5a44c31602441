"""Gradient x attention: what the class token sees that speaks for the class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Cost
from ct_importance.saliency.estimators.attention._rollout import Rollout

if TYPE_CHECKING:
    import torch

    from ct_importance.saliency.layers.attention import Attention


class GradientAttention(Rollout):
    """Row of the class token in the product over blocks of I + mean over heads(ReLU(dS/dA A)).

    (Chefer et al. 2021, for self-attention alone.) What speaks against the class is left out, so
    that of one logit the maps for the two classes are not each other's opposite.
    """

    title: ClassVar[str] = "Gradient x Attention"
    colour: ClassVar[str] = "#999933"
    dashes: ClassVar[tuple[float, ...]] = (5, 1)
    reference: ClassVar[str] = "Chefer et al. 2021, arXiv 2103.15679"

    def cost(self) -> Cost:
        """Return one gradient."""
        return Cost(forward=1, backward=1)

    def mixture(self, attention: Attention) -> torch.Tensor:
        """Return each token itself, and what it sees for the class, (n, tokens, tokens)."""
        import torch

        values, gradients = attention
        assert gradients is not None, "they cost the pass back"
        relevant = (values * gradients).relu().mean(dim=1)
        return relevant + torch.eye(relevant.shape[-1]).to(relevant)
