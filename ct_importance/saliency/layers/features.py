"""What a layer answers to images, and how the explained score depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn

from ct_importance.errors import InputError
from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.layers.grid import as_maps, grid_of
from ct_importance.saliency.layers.names import default_layer


class Features(NamedTuple):
    """What a layer answers, as maps."""

    values: torch.Tensor
    """(N, channels, rows, columns)."""
    gradients: torch.Tensor
    """Of the score of each image's target by the values, of the same shape."""


class Look:
    """A look at one layer of the network of a batch, while it is asked about images.

    Of a layer that is called several times, the last call is what counts: what it answers, and the
    gradient with respect to that answer alone.
    """

    def __init__(self, batch: Batch, layer: str | None) -> None:
        """Look at a layer.

        Args:
            batch: Has the network.
            layer: Its name; None: that of `default_layer`.

        Raises:
            InputError: If no layer will do.
        """
        assert batch.classifier is not None, 'it is given to an estimator that needs "layers"'
        assert batch.built is not None, "as is this"
        self._scores, self._what = batch.built, batch.name
        self._name = layer or default_layer(batch.classifier, tuple(batch.images.shape[1:]))
        self._layer = batch.classifier.layer(self._name)

    def values(self, images: torch.Tensor) -> torch.Tensor:
        """Return what the layer answers to images (N, C, H, W), (N, channels, rows, columns).

        Raises:
            InputError: If that is no map.
        """
        with torch.no_grad(), self._captured(as_leaf=False) as found:
            self._scores(images)
        return self._maps(self._last(found), images)

    def features(self, images: torch.Tensor, targets: torch.Tensor) -> Features:
        """Return what the layer answers to images (N, C, H, W), and the gradients there.

        The way back ends at the layer.

        Raises:
            InputError: If that is no map, or the score does not depend on it.
        """
        with torch.enable_grad(), self._captured(as_leaf=True) as found:
            chosen = self._scores(images.detach()).gather(1, targets[:, None]).sum()
            output = self._last(found)
            gradient = None
            if chosen.requires_grad:
                (gradient,) = torch.autograd.grad(chosen, output, allow_unused=True)
        if gradient is None:
            raise self._unfit("does not lead to what the classifier answers")
        return Features(self._maps(output.detach(), images), self._maps(gradient, images))

    @contextmanager
    def _captured(self, as_leaf: bool) -> Iterator[list[torch.Tensor]]:
        found: list[torch.Tensor] = []

        def capture(module: nn.Module, inputs: Any, output: Any) -> torch.Tensor | None:
            if not isinstance(output, torch.Tensor):
                raise self._unfit("answers with more than one tensor")
            # A copy: the next layer may change its input in place.
            found.append(output.detach().clone())
            return found[-1].requires_grad_().clone() if as_leaf else None

        hook = self._layer.register_forward_hook(capture)
        try:
            yield found
        finally:
            hook.remove()

    def _last(self, found: list[torch.Tensor]) -> torch.Tensor:
        if not found:
            raise self._unfit("is not called")
        return found[-1]

    def _maps(self, output: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        grid = grid_of(output.shape, images.shape)
        if grid is None or len(output) != len(images):
            shape = " x ".join(map(str, output.shape[1:]))
            raise self._unfit(f"answers with {shape}, in which places cannot be told apart")
        return as_maps(output, grid)

    def _unfit(self, why: str) -> InputError:
        return InputError(
            f"{self._what}: layer {self._name!r} of the classifier {why}; name another as `layer`, "
            "or leave it out"
        )
