"""The shares of biases in a score, by layer and place."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.graph import Node

from ct_importance.errors import InputError
from ct_importance.saliency.operations.affine import (
    Biases,
    Layer,
    layers_before,
    normalisation_bias,
)
from ct_importance.saliency.operations.graph import (
    is_linear,
    is_normalisation,
    is_relu,
    kind_of,
    operations_before,
)


class BiasShares(Biases):
    """Collects bias * dS/d(answer) of each layer (Srinivas and Fleuret 2019, equation 3).

    With x * dS/dx they sum up to S in a network of ReLUs, maxima and linear layers.
    """

    def __init__(self, name: str) -> None:
        """Know the name of the estimator, for messages."""
        super().__init__()
        self._name = name
        self.shares: list[torch.Tensor] = []
        """Of each layer (N, C, *space), or (N, C) of layers without places."""

    def change(self, scores: torch.Tensor) -> None:
        """Collect shares in the backward pass from scores.

        Raises:
            InputError: If the network has an operation by which they would not sum up to the score.
        """
        self.shares = []
        for node in list(operations_before(scores)):
            kind = kind_of(node)
            piecewise = is_relu(node) or kind in ("LeakyRelu", "MaxPool2DWithIndices", "Clamp")
            if not (piecewise or is_linear(node)):
                raise InputError(
                    f"{self._name}: FullGrad is for networks of ReLUs and linear layers, but this "
                    f"one computes {kind}; take integrated_gradients, which any network has"
                )
            if is_normalisation(node):
                self._collect(node, normalisation_bias(node, self))
        for layer in layers_before(scores, self):
            self._collect_layer(layer)

    def _collect_layer(self, layer: Layer) -> None:
        if layer.bias is not None:
            self._collect(layer.node, layer.bias)

    def _collect(self, node: Node, bias: torch.Tensor) -> None:
        def hook(outputs: tuple[Any, ...]) -> None:
            shape = (1, -1, *[1] * (outputs[0].ndim - 2))
            self.shares.append(outputs[0] * bias.reshape(shape))

        node.register_prehook(hook)
