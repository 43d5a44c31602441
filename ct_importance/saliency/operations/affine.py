"""Convolutions, products with weights and batch normalisations, whose biases autograd drops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.graph import Node

from ct_importance.saliency.operations.graph import (
    Watching,
    kind_of,
    multiplies,
    operations_before,
    saved,
)

aten = torch.ops.aten


class Biases(Watching):
    """Keeps what layers are given, while a network is computed."""

    def watch(self, name: str, args: Sequence[Any], compute: Callable[[], Any]) -> tuple[Any, Any]:
        """Keep input, weight and bias of a layer, and all but the input of a normalisation."""
        kept = None
        if name == "convolution":
            kept = args[:3]
        elif name == "addmm":
            kept = (args[1], args[2], args[0])
        elif name == "mm":
            kept = (args[0], args[1], None)
        elif "batch_norm" in name:
            kept = args[1:]
        return compute(), kept


@dataclass(frozen=True)
class Layer:
    """A convolution, or a product with weights."""

    node: Node
    input: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor | None

    @property
    def is_convolution(self) -> bool:
        """Whether it is a convolution."""
        return kind_of(self.node) == "Convolution"

    def apply(
        self, image: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """Return what it gives with another input, weight and bias."""
        if not self.is_convolution:
            product = image @ weight
            return product if bias is None else product + bias
        answer: torch.Tensor = aten.convolution(image, weight, bias, *self._options)
        return answer

    def back(self, gradient: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Return what it passes back with another weight, shaped like its input."""
        if not self.is_convolution:
            return gradient @ weight.T
        passed: torch.Tensor = aten.convolution_backward(
            *(gradient, self.input, weight, None, *self._options, [True, False, False])
        )[0]
        return passed

    @property
    def _options(self) -> list[Any]:
        keys = ("stride", "padding", "dilation", "transposed", "output_padding", "groups")
        return [saved(self.node, key) for key in keys]


def is_layer(node: Node) -> bool:
    """Return whether an operation is a convolution, or a product with weights."""
    return kind_of(node) in ("Convolution", "Addmm", "Mm") and not multiplies(node)


def layers_before(scores: torch.Tensor, biases: Biases) -> Iterator[Layer]:
    """Yield each layer that scores depend on images by, later ones first."""
    for node in list(operations_before(scores)):
        if is_layer(node):
            yield Layer(node, *biases.kept(node))


def normalisation_bias(node: Node, biases: Biases) -> torch.Tensor:
    """Return what a batch normalisation adds to a multiple of its input, (C,)."""
    weight, bias, mean, variance, *_, eps = biases.kept(node)
    slope = torch.rsqrt(variance + eps)
    shift: torch.Tensor = -mean * (slope if weight is None else slope * weight)
    return shift if bias is None else shift + bias
