"""What the estimators of attention have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from ct_importance.errors import InputError
from ct_importance.saliency.estimator import Batch, Estimator

if TYPE_CHECKING:
    import torch

    from ct_importance.saliency.layers.attention import Attention

NO_TOKEN = (
    "the network is no vision transformer whose class token, the first, looks at all places in "
    "every block, as monai.ViT is: take another estimator"
)


class Rollout(Estimator):
    """Row of the class token in a product over the blocks of a vision transformer.

    Enlarged bilinearly from the places of the tokens, with ``align_corners=False``.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"layers"})

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return why a network without attention has no such map."""
        return None if "attention" in parts else NO_TOKEN

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return what the class token sees, (N, 1, H, W).

        Raises:
            InputError: If the network is no vision transformer with a class token.
        """
        from ct_importance.saliency.gradients import in_passes
        from ct_importance.saliency.layers.attention import (
            attention_of,
            grid_of_tokens,
            seen_by_class_token,
        )

        shape = tuple(batch.images.shape[1:])
        grid = grid_of_tokens(batch.scores, shape, batch.images.device)
        if grid is None:
            raise InputError(f"{batch.name}: {NO_TOKEN}")

        def explain(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            wanted = targets if self.takes_gradients else None
            found = attention_of(batch.scores, images, wanted)
            return seen_by_class_token([self.mixture(it) for it in found], grid, images.shape)

        return in_passes(explain, batch)

    @abstractmethod
    def mixture(self, attention: Attention) -> torch.Tensor:
        """Return by which weights a block mixes what tokens hold, (n, tokens, tokens)."""
