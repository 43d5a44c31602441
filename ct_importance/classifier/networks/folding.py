"""Folds batch normalisation into convolutions, which are then all that is computed."""

from __future__ import annotations

import copy
import logging
import operator
from collections import Counter
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights

from ct_importance.compute.device import channels_last

logger = logging.getLogger(__name__)


def fold_batch_norm(network: nn.Module, device: torch.device | str = "cpu") -> nn.Module:
    """Return a faster copy of a network, for passes forwards and back in eval mode.

    Each BatchNorm is folded into the convolution before it, in a network of modules as in one of
    operators (`ct_importance.classifier.networks.exported.graph`), and the layout is channels-last.
    Answers agree to rounding, and gradients are as exact as those of the network itself: against
    float64 both have a median error of a millionth of the maximum, and single pixels move by a few
    hundredths, since rounding moves activations across the kink of a ReLU.

    A network that torch.fx cannot trace, whose code asks what is in an image, stays as it is.

    Args:
        network: A network in eval mode.
        device: Where to put the copy.
    """
    faster: nn.Module
    try:
        faster = _with_folded_operators(_with_folded_modules(fx.symbolic_trace(network)))
    except Exception as error:  # tracing runs the network's own code, which may raise anything
        logger.info("computed as it is: torch.fx cannot trace it (%s)", error)
        faster = copy.deepcopy(network)
    return channels_last(faster.eval().requires_grad_(False).to(device=device))


def _with_folded_modules(traced: fx.GraphModule) -> fx.GraphModule:
    modules = dict(traced.named_modules())
    calls = Counter(node.target for node in traced.graph.nodes if node.op == "call_module")
    for node in list(traced.graph.nodes):
        norm = modules.get(node.target) if node.op == "call_module" else None
        if not isinstance(norm, nn.BatchNorm2d) or norm.running_mean is None or not node.args:
            continue
        source = node.args[0]
        convolution = modules.get(source.target) if source.op == "call_module" else None
        if not isinstance(convolution, nn.Conv2d) or len(source.users) > 1:
            continue
        if calls[source.target] > 1:
            continue  # it is called elsewhere, too, where no BatchNorm follows
        traced.set_submodule(source.target, fuse_conv_bn_eval(convolution, norm))
        node.replace_all_uses_with(source)
        traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


def _with_folded_operators(traced: fx.GraphModule) -> fx.GraphModule:
    for norm in list(traced.graph.nodes):
        if norm.target is not torch.ops.aten.batch_norm.default:
            continue
        convolution, gamma, beta, mean, variance, _, _, epsilon, *_ = norm.args
        if not _is_convolution(convolution) or len(convolution.users) > 1:
            continue
        image, weight, *others = convolution.args
        bias, others = (others[0], others[1:]) if others else (None, [])
        nodes = (weight, bias, mean, variance, gamma, beta)
        numbers: list[Any] = [None if of is None else _tensor(traced, of) for of in nodes]
        kernel, offset, means, variances, slope, shift = numbers
        folded = fuse_conv_bn_weights(kernel, offset, means, variances, epsilon, slope, shift)
        with traced.graph.inserting_before(convolution):
            taken = [_added(traced, f"folded_{norm.name}_{of}", it) for of, it in enumerate(folded)]
        convolution.args = (image, *taken, *others)
        norm.replace_all_uses_with(convolution)
        traced.graph.erase_node(norm)
    traced.graph.eliminate_dead_code()
    traced.recompile()
    return traced


def _is_convolution(node: fx.Node) -> bool:
    aten = torch.ops.aten
    if node.target is aten.convolution.default:
        is_transposed = node.args[6]
        return not is_transposed
    return node.target is aten.conv2d.default


def _tensor(traced: fx.GraphModule, node: fx.Node) -> torch.Tensor:
    """Return what a node reads from the network."""
    found: torch.Tensor = operator.attrgetter(str(node.target))(traced)
    return found


def _added(traced: fx.GraphModule, name: str, tensor: torch.Tensor) -> fx.Node:
    """Give the network a tensor more, and return the node that reads it."""
    traced.register_buffer(name, tensor.detach())
    return traced.graph.get_attr(name)
