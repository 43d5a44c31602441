"""Attention of transformers in which a class token looks at the places of an image.

Found among the operations that autograd recorded, as softmax: so it does not matter how a network
spells or names its blocks, and fused kernels of torch are asked to show theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from ct_importance.saliency.layers.grid import Grid, as_maps, grid_of, upsampled
from ct_importance.saliency.operations.graph import operations_before

SOFTMAX = ("SoftmaxBackward0", "SafeSoftmaxBackward0")


class Attention(NamedTuple):
    """What tokens look at, in one block."""

    values: torch.Tensor
    """(N, heads, tokens, tokens): each row sums up to 1."""
    gradients: torch.Tensor | None
    """Of the score of each image's target by the values; None if not wanted."""


def attention_of(
    scores: nn.Module, images: torch.Tensor, targets: torch.Tensor | None = None
) -> list[Attention]:
    """Return the attention of each block to images (N, C, H, W), first block first.

    Args:
        scores: Maps images to the explained activations (N, K).
        images: (N, C, H, W).
        targets: (N,), the class of each whose score's gradients are wanted; None: none are.
    """
    points = images.detach().requires_grad_()
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        answer: torch.Tensor = scores(points)
        nodes: list[Any] = [it for it in operations_before(answer) if it.name() in SOFTMAX]
        nodes.sort(key=lambda node: node._sequence_nr())
        found = [(node, node._saved_result.detach()) for node in nodes]
        found = [(node, it) for node, it in found if it.dim() == 4 and it.shape[2] == it.shape[3]]
        if targets is None:
            return [Attention(values, None) for _, values in found]
        arrived: dict[int, torch.Tensor] = {}
        for number, (node, _) in enumerate(found):
            node.register_prehook(lambda behind, it=number: arrived.update({it: behind[0]}))
        torch.autograd.grad(answer.gather(1, targets[:, None]).sum(), points)
    return [
        Attention(values, arrived.get(number, torch.zeros_like(values)))
        for number, (_, values) in enumerate(found)
    ]


@lru_cache(maxsize=1)
def grid_of_tokens(scores: nn.Module, image: Sequence[int], device: torch.device) -> Grid | None:
    """Return how tokens lie in images, or None if there is no class token that looks at them.

    One image of noise is asked. Behind the last attention the answer must depend on the first token
    alone: of another network a map out of that token's row would be wrong.

    Args:
        scores: Maps images to the explained activations (N, K).
        image: Shape of the images, (C, H, W).
        device: Where they are.
    """
    noise = torch.rand(1, *image, generator=torch.Generator().manual_seed(0)).to(device)
    found = attention_of(scores, noise, torch.zeros(1, dtype=torch.int64, device=device))
    sizes = {it.values.shape[-1] for it in found}
    if len(sizes) != 1:
        return None
    grid = grid_of((1, *sizes, 1), (1, *image))
    last = found[-1].gradients
    assert last is not None, "it was asked for"
    return grid if grid and grid.before and not last[:, :, 1:].any() and last.any() else None


def seen_by_class_token(
    mixtures: Sequence[torch.Tensor], grid: Grid, image: Sequence[int]
) -> torch.Tensor:
    """Return how much the class token sees of each place, in the grid of the images, (N, 1, H, W).

    Args:
        mixtures: By which weights each block mixes what tokens hold, (N, tokens, tokens), first
            block first.
        grid: How tokens lie in images.
        image: Shape of the images, (N, C, H, W).
    """
    seen = mixtures[-1][:, :1]
    for mixture in reversed(mixtures[:-1]):
        seen = seen @ mixture
    return upsampled(as_maps(seen.mT, grid)[:, 0], image)
