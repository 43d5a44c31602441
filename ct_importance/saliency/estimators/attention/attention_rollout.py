"""Attention rollout: what the class token sees through all blocks of a vision transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Cost
from ct_importance.saliency.estimators.attention._rollout import Rollout

if TYPE_CHECKING:
    import torch

    from ct_importance.saliency.layers.attention import Attention


class AttentionRollout(Rollout):
    """Row of the class token in the product over blocks of (mean over heads(A) + I) / 2.

    (Abnar and Zuidema 2020.) No class is explained: what was looked at can speak for either, and
    ``target`` changes nothing. Values and the layers between the blocks play no part.
    """

    title: ClassVar[str] = "Attention Rollout"
    colour: ClassVar[str] = "#999933"
    reference: ClassVar[str] = "Abnar and Zuidema 2020, arXiv 2005.00928"

    def cost(self) -> Cost:
        """Return one pass, forwards alone."""
        return Cost(forward=1)

    def mixture(self, attention: Attention) -> torch.Tensor:
        """Return half of the attention, half of each token itself, (n, tokens, tokens)."""
        import torch

        heads = attention.values.mean(dim=1)
        return (heads + torch.eye(heads.shape[-1]).to(heads)) / 2
