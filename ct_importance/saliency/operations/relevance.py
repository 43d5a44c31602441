"""Layer-wise relevance propagation: a backward pass that shares out relevance.

Between layers not relevance R itself is passed back but R / activation, which the gradient passes
on as relevance is passed on: through ReLUs, maxima, means and sums. Layers follow their rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from ct_importance.errors import InputError
from ct_importance.saliency.operations.affine import Biases, Layer, is_layer, layers_before
from ct_importance.saliency.operations.graph import (
    is_linear,
    is_relu,
    kind_of,
    operations_before,
)

Composite = Literal["epsilon", "epsilon_plus_flat", "alpha_beta"]
Gradients = tuple[torch.Tensor, ...]
STABILISER = 1e-6
"""Keeps quotients finite, with the sign of what it is added to; zennit's."""
FIRST = {"Add", "Sub", "Mul", "Div", "Clamp"}
"""What may stand in front of the first layer, number by number: relevance passes as it is."""


@dataclass
class Relevance:
    """The rules of a composite; the gradient of the input is then its relevance."""

    name: str
    """Of the estimator, for messages."""
    composite: Composite
    epsilon: float
    alpha: float
    biases: Biases = field(default_factory=Biases)

    def change(self, scores: torch.Tensor) -> None:
        """Let the backward pass from scores give relevance.

        Raises:
            InputError: If the network has an operation that there is no rule for.
        """
        self._check(scores)
        layers = list(layers_before(scores, self.biases))
        first = {
            layer.node
            for layer in layers
            if sum(is_layer(node) for node in operations_before(layer.node)) == 1
        }
        for layer in layers:
            if layer.node in first:
                for node in list(operations_before(layer.node))[1:]:
                    if kind_of(node) in FIRST:
                        node.register_hook(_as_it_is)
            layer.node.register_hook(self._hook(layer, layer.node in first))
        if not layers:
            raise InputError(f"{self.name}: the network has no layers with weights; take gradients")

    def _check(self, scores: torch.Tensor) -> None:
        for node in operations_before(scores):
            kind = kind_of(node)
            fits = is_relu(node) or is_linear(node)
            if not fits and kind not in ("LeakyRelu", "MaxPool2DWithIndices", "Clamp"):
                raise InputError(
                    f"{self.name}: relevance propagation has no rule for {kind}, which this "
                    "network computes; take integrated_gradients, which needs none"
                )

    def _hook(self, layer: Layer, is_first: bool) -> Any:
        position = 0 if kind_of(layer.node) != "Addmm" else 1
        rule = self._rule(layer, is_first)

        def hook(inputs: Gradients, outputs: Gradients) -> tuple[object, ...]:
            answer = layer.apply(layer.input, layer.weight, layer.bias)
            passed = rule(layer, outputs[0] * answer)
            if is_first and rule is not flat:
                passed = passed * layer.input
            return tuple(passed if at == position else it for at, it in enumerate(inputs))

        return hook

    def _rule(self, layer: Layer, is_first: bool) -> Callable[[Layer, torch.Tensor], torch.Tensor]:
        if self.composite == "epsilon_plus_flat" and is_first:
            return flat
        if self.composite == "epsilon" or not layer.is_convolution:
            return lambda layer, relevance: epsilon(layer, relevance, self.epsilon)
        alpha = 1.0 if self.composite == "epsilon_plus_flat" else self.alpha
        return lambda layer, relevance: alpha_beta(layer, relevance, alpha)


def stabilised(values: torch.Tensor, by: float) -> torch.Tensor:
    """Return values moved away from 0.

    Example:
        >>> stabilised(torch.tensor([-1.0, 0.0]), 0.5).tolist()
        [-1.5, 0.5]
    """
    return values + torch.where(values < 0, -by, by)


def epsilon(layer: Layer, relevance: torch.Tensor, by: float) -> torch.Tensor:
    """Return w^T (R / (z + epsilon)): shares of what an input adds to z (Bach et al. 2015)."""
    answer = layer.apply(layer.input, layer.weight, layer.bias)
    return layer.back(relevance / stabilised(answer, by), layer.weight)


def flat(layer: Layer, relevance: torch.Tensor) -> torch.Tensor:
    """Return the relevance itself, shared out equally (Lapuschkin et al. 2019)."""
    ones = torch.ones_like(layer.weight)
    count = layer.apply(torch.ones_like(layer.input), ones, None)
    return layer.back(relevance / stabilised(count, STABILISER), ones)


def alpha_beta(layer: Layer, relevance: torch.Tensor, alpha: float) -> torch.Tensor:
    """Return shares among what argues for z, alpha times, less those against it, alpha - 1 times.

    (Bach et al. 2015, equation 60.) With alpha 1 only the former count.
    """
    up, down = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
    above, below = layer.input.clamp(min=0), layer.input.clamp(max=0)
    bias = layer.bias
    total = torch.zeros_like(layer.input)
    signs = [(alpha, up, down, None if bias is None else bias.clamp(min=0))]
    if alpha != 1:
        signs.append((1 - alpha, down, up, None if bias is None else bias.clamp(max=0)))
    for share, of_above, of_below, offset in signs:
        sums = layer.apply(above, of_above, offset) + layer.apply(below, of_below, None)
        scaled = share * relevance / stabilised(sums, STABILISER)
        passed = torch.where(
            layer.input > 0, layer.back(scaled, of_above), layer.back(scaled, of_below)
        )
        total += torch.where(layer.input == 0, 0, passed)
    return total


def _as_it_is(inputs: Gradients, outputs: Gradients) -> tuple[object, ...]:
    """Pass relevance through a function of each number; copies of one number unite."""
    return tuple(None if it is None else outputs[0].sum_to_size(it.shape) for it in inputs)
