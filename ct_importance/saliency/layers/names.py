"""Layers of a network by name, and the one that shows most."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any

import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.errors import InputError
from ct_importance.saliency.layers.grid import grid_of
from ct_importance.saliency.layers.programs import Operation

POOLING = (
    *(nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.AvgPool2d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveMaxPool1d, nn.AvgPool1d),
)
"""What stands between the features of a network and its answer."""


def names_of_layers(classifier: Classifier) -> dict[str, nn.Module]:
    """Return the layers of a network by name, in the order in which they were defined."""
    root = classifier.network.get_submodule(classifier.inside.rstrip("."))
    return {name: module for name, module in root.named_modules() if name}


def check_layer(classifier: Classifier, name: str, what: str) -> None:
    """Check that a network has a layer.

    Args:
        classifier: The network.
        name: Of the layer.
        what: What wants it, for messages.

    Raises:
        InputError: If there is none, with names that are like it.
    """
    known = names_of_layers(classifier)
    if name in known:
        return
    if not known:
        raise InputError(
            f"{what}: layers of this classifier have no names, so that there is no {name!r}; leave "
            "`layer` out"
        )
    like = get_close_matches(name, known, n=5, cutoff=0.5)
    others = like or [it for it in known if "." not in it][-8:]
    raise InputError(
        f"{what}: the classifier has no layer {name!r}; change `layer`, to one of "
        f"{', '.join(others)} for instance, or leave it out"
    )


@lru_cache(maxsize=1)
def default_layer(classifier: Classifier, image: Sequence[int]) -> str:
    """Return the last layer that answers with maps, before they are pooled.

    Of a transformer, the last normalisation at which the answer still depends on the tokens of
    places: behind the attention of the last block it follows the class token alone.

    One image of noise is asked, so that the layer never depends on slices.

    Args:
        classifier: The network.
        image: Shape of the images, (C, H, W).

    Raises:
        InputError: If there is none.
    """
    spots = _Spots(tuple(image))
    hooks = [
        module.register_forward_hook(partial(spots.see, name))
        for name, module in names_of_layers(classifier).items()
    ]
    device = next((it.device for it in classifier.network.parameters()), None)
    noise = torch.rand(1, *image, generator=torch.Generator().manual_seed(0)).to(device)
    try:
        with torch.enable_grad():
            classifier.scores(noise.requires_grad_())[:, -1].sum().backward(inputs=[noise])
    finally:
        for hook in hooks:
            hook.remove()
    return spots.last()


class _Spots:
    """The outputs of layers in which places can be told apart, in the order of the calls."""

    def __init__(self, image: tuple[int, ...]) -> None:
        self._image = (1, *image)
        self._seen: list[tuple[str, tuple[int, ...]]] = []
        self._used: set[str] = set()
        self._tokens: set[int] = set()

    def see(self, name: str, module: nn.Module, inputs: Any, output: Any) -> None:
        kind = module.kind if isinstance(module, Operation) else ""
        pools = isinstance(module, POOLING) or "avg_pool" in kind or "adaptive" in kind
        if not isinstance(output, torch.Tensor) or pools:
            return
        shape, grid = tuple(output.shape), grid_of(output.shape, self._image)
        if grid is None or shape[0] != 1:
            return
        if len(shape) == 3:
            self._tokens.add(shape[1])
            if not isinstance(module, nn.LayerNorm) and "layer_norm" not in kind:
                return
            places = slice(grid.before, None)
            output.register_hook(lambda gradient: self._mark(name, gradient[:, places]))
        self._seen.append((name, shape))

    def _mark(self, name: str, gradient: torch.Tensor) -> None:
        if gradient.any():
            self._used.add(name)

    def last(self) -> str:
        for name, shape in reversed(self._seen):
            # An attention has four dimensions as maps do, but its rows are tokens.
            if name in self._used or (len(shape) == 4 and shape[2] not in self._tokens):
                return name
        raise InputError(
            "no layer of this classifier answers with maps of places, which estimators of the "
            "family of CAM weigh; name one as `layer`, or remove these estimators"
        )
