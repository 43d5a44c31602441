"""DeepLIFT's multipliers: a backward pass over differences from a baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd.graph import Node

from ct_importance.errors import InputError
from ct_importance.saliency.operations.graph import (
    Watching,
    is_linear,
    kind_of,
    multiplies,
    operations_before,
    saved,
)

Gradients = tuple[torch.Tensor, ...]
ACTIVATIONS = {
    **{"relu": "Relu", "threshold": "Threshold", "leaky_relu": "LeakyRelu", "elu": "Elu"},
    **{"gelu": "Gelu", "silu": "Silu", "sigmoid": "Sigmoid", "tanh": "Tanh", "clamp": "Clamp"},
    **{"hardtanh": "Hardtanh", "hardswish": "Hardswish", "softplus": "Softplus", "mish": "Mish"},
}
"""Functions of each number by itself: torch's name, and autograd's."""
NEARLY_EQUAL = 1e-10
"""Below this difference of inputs the derivative stands for the slope, as in captum."""


class Rescaling(Watching):
    """The rescale rule, of images and their baselines in one batch: (2N, ...), images first.

    The multiplier of a function is the slope between both, (f(a) - f(b)) / (a - b) (Shrikumar et
    al. 2017, section 3.5.2). That of a product is the mean of the other factor, by which the
    difference of the products is shared out without remainder. A maximum gives what it is above
    that of the baseline to where it lies, and the rest to where that of the baseline lies, as
    captum does; windows may overlap.
    """

    def __init__(self, name: str) -> None:
        """Know the name of the estimator, for messages."""
        super().__init__()
        self._name = name

    def watch(self, name: str, args: Sequence[Any], compute: Callable[[], Any]) -> tuple[Any, Any]:
        """Keep how much the input and the output of a function of each number differ."""
        if name.rstrip("_") not in ACTIVATIONS:
            return compute(), None
        before = _differences(args[0])  # a new tensor: the input may be overwritten
        result = compute()
        return result, (before, _differences(result))

    def change(self, scores: torch.Tensor) -> None:
        """Let the backward pass from the scores of the images give multipliers, (2N, ...).

        Raises:
            InputError: If the network has an operation that there is no rule for.
        """
        for node in list(operations_before(scores)):
            kind = kind_of(node)
            if kind in ACTIVATIONS.values():
                node.register_hook(_rescaled(*self.kept(node)))
            elif kind == "MaxPool2DWithIndices":
                node.register_hook(_shared_by_maxima(node))
            elif kind == "Mul" and multiplies(node):
                node.register_hook(_shared_by_factors(node))
            elif not is_linear(node):
                raise InputError(
                    f"{self._name}: DeepLIFT has no rule for {kind}, which this network computes; "
                    "take integrated_gradients, which needs none"
                )


def _rescaled(before: torch.Tensor, behind: torch.Tensor) -> Any:
    def hook(inputs: Gradients, outputs: Gradients) -> tuple[object, ...]:
        slope = outputs[0].chunk(2)[0] * behind / before
        return _only_images(inputs, before, slope)

    return hook


def _differences(values: torch.Tensor) -> torch.Tensor:
    """Return by how much the first half of a batch (2N, ...) is above the second, (N, ...)."""
    images, baselines = values.detach().chunk(2)
    return images - baselines


def _only_images(
    inputs: Gradients, before: torch.Tensor, multipliers: torch.Tensor
) -> tuple[object, ...]:
    """Return multipliers, or gradients where images hardly differ; nothing for the baselines."""
    images = torch.where(before.abs() < NEARLY_EQUAL, inputs[0].chunk(2)[0], multipliers)
    return (torch.cat([images, torch.zeros_like(images)]), *inputs[1:])


def _shared_by_maxima(node: Node) -> Any:
    values, indices = saved(node, "self"), saved(node, "result1")
    options = [saved(node, key) for key in ("kernel_size", "stride", "padding", "dilation")]

    def hook(inputs: Gradients, outputs: Gradients) -> tuple[object, ...]:
        found = values.flatten(2).gather(2, indices.flatten(2)).view_as(indices)
        image, baseline = found.chunk(2)
        largest, behind = torch.maximum(image, baseline), outputs[0].chunk(2)[0]
        shares = torch.cat([(largest - baseline) * behind, (image - largest) * behind])
        placed = torch.ops.aten.max_pool2d_with_indices_backward(
            shares, values, *options, saved(node, "ceil_mode"), indices
        )
        before = _differences(values)
        return _only_images(inputs, before, sum(placed.chunk(2)) / before)

    return hook


def _shared_by_factors(node: Node) -> Any:
    factors = saved(node, "self"), saved(node, "other")

    def hook(inputs: Gradients, outputs: Gradients) -> tuple[object, ...]:
        given = []
        for own, other in (factors, factors[::-1]):
            mean = torch.stack(other.chunk(2)).mean(0)
            multipliers = (outputs[0].chunk(2)[0] * mean).sum_to_size(own.chunk(2)[0].shape)
            given.append(torch.cat([multipliers, torch.zeros_like(multipliers)]))
        return tuple(given)

    return hook
