"""The operations between images and their scores, as autograd recorded them.

However a network spells an operation (a module, one that is called twice, a function, in-place, the
graph of an exported program), autograd knows it by one name. Hooks on modules see less, and say
nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.autograd.graph import Node


def operations_before(answer: torch.Tensor) -> Iterator[Node]:
    """Yield each operation that an answer depends on the images by, later ones first.

    Example:
        >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
        >>> [node.name() for node in operations_before((x * 2).relu().sum())]
        ['SumBackward0', 'ReluBackward0', 'MulBackward0', 'torch::autograd::AccumulateGrad']
    """
    found: set[Node] = set()
    waiting = [answer.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in found:
            continue
        found.add(node)
        yield node
        waiting += [before for before, _ in node.next_functions]


def is_relu(node: Node) -> bool:
    """Return whether an operation is max(x, 0)."""
    if node.name() == "ThresholdBackward0":
        return float(getattr(node, "_saved_threshold", 1.0)) == 0
    return node.name() == "ReluBackward0"
