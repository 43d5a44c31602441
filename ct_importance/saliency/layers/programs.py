"""Layers of exported programs: each operation gets a name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import fx, nn

from ct_importance.classifier.classifier import Around, Classifier


class Operation(nn.Module):
    """Hands on what an operation of a program answers, so that hooks see it."""

    def __init__(self, kind: str) -> None:
        """Stand behind an operation of some kind, e.g. ``aten.layer_norm.default``."""
        super().__init__()
        self.kind = kind

    def forward(self, x: Any) -> Any:
        """Return what it is given."""
        return x


def with_layers(classifier: Classifier) -> Classifier:
    """Return a classifier whose layers have names: as it is, unless its network is a program.

    The operations of a program have the names that torch gave them, such as ``relu_48``.
    """
    return replace(classifier, network=_named(classifier.network), inside=classifier.inside)


def _named(network: nn.Module) -> nn.Module:
    if isinstance(network, Around):
        network.network = _named(network.network)
        return network
    if not isinstance(network, fx.GraphModule) or any(True for _ in network.children()):
        return network
    graph = fx.Graph()
    graph.output(graph.graph_copy(network.graph, {}))
    named = fx.GraphModule(network, graph)
    for node in list(graph.nodes):
        if node.op not in ("call_function", "call_method") or hasattr(named, node.name):
            continue
        named.add_submodule(node.name, Operation(str(node.target)))
        with graph.inserting_after(node):
            spot = graph.call_module(node.name, (node,))
        node.replace_all_uses_with(spot, delete_user_cb=lambda user, spot=spot: user is not spot)
    named.recompile()
    return named.train(network.training)
