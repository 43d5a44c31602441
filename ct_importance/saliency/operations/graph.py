"""The operations between images and their scores, as autograd recorded them.

However a network spells an operation (a module, one that is called twice, a function, in-place, the
graph of an exported program), autograd knows it by one name. Hooks on modules see less, and say
nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.autograd.graph import Node
from torch.utils._python_dispatch import TorchDispatchMode

FACTORS = {
    **{"Mul": (0, 1), "Mm": (0, 1), "Bmm": (0, 1), "Convolution": (0, 1)},
    **{"Addmm": (1, 2), "Baddbmm": (1, 2)},
}
"""Operations that multiply, and which of their arguments; linear if but one is of the image."""
LINEAR = {
    *("Add", "Sub", "Rsub", "Neg", "Mean", "Sum", "Cat", "Stack", "Clone", "ToCopy", "Expand"),
    *("View", "UnsafeView", "ReshapeAlias", "Alias", "T", "Transpose", "Permute", "Unsqueeze"),
    *("Squeeze", "Slice", "Select", "Split", "SplitWithSizes", "Unbind", "Gather", "Index"),
    *("IndexSelect", "Repeat", "Flip", "Roll", "ConstantPadNd", "ReflectionPad2D"),
    *("ReplicationPad2D", "AvgPool2D", "AdaptiveAvgPool2D", "MkldnnAdaptiveAvgPool2D"),
    *("UpsampleBilinear2D", "UpsampleNearest2D", "AsStrided", "AccumulateGrad", "CopyBackwards"),
}
"""Operations that are linear in what comes of the image, whatever else they take."""


class Watching(TorchDispatchMode):
    """Keeps of operations, while a network is computed, what autograd does not."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()  # type: ignore[no-untyped-call] # torch's has no types
        self._kept: dict[int, Any] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch not to import its compiler, which takes seconds and is not used."""
        return False

    def watch(self, name: str, args: Sequence[Any], compute: Callable[[], Any]) -> tuple[Any, Any]:
        """Compute an operation, and return its result and what to keep of it; None: nothing.

        Args:
            name: torch's name of it.
            args: What it is given, some of which it may overwrite.
            compute: Computes it.
        """
        return compute(), None

    def kept(self, node: Node) -> Any:
        """Return what was kept of an operation."""
        return self._kept[node._sequence_nr()]

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute an operation, as torch asks for it."""
        # Autograd has made its node right before; an operation that it does not record comes later
        # and leaves what is known of the node before it alone.
        number = torch.autograd._get_sequence_nr() - 1  # type: ignore[attr-defined] # not public
        name = func.overloadpacket.__name__
        result, kept = self.watch(name, args, lambda: func(*args, **(kwargs or {})))
        if kept is not None:
            self._kept.setdefault(number, kept)
            if name.endswith("_"):  # in-place: autograd may have copied the input since
                self._kept.setdefault(number - 1, kept)
        return result


def operations_before(answer: torch.Tensor | Node) -> Iterator[Node]:
    """Yield each operation that an answer depends on the images by, later ones first.

    Example:
        >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
        >>> [node.name() for node in operations_before((x * 2).relu().sum())]
        ['SumBackward0', 'ReluBackward0', 'MulBackward0', 'torch::autograd::AccumulateGrad']
    """
    found: set[Node] = set()
    waiting = [answer.grad_fn if isinstance(answer, torch.Tensor) else answer]
    while waiting:
        node = waiting.pop()
        if node is None or node in found:
            continue
        found.add(node)
        yield node
        waiting += [before for before, _ in node.next_functions]


def kind_of(node: Node) -> str:
    """Return the name of an operation.

    Example:
        >>> x = torch.zeros(1, requires_grad=True)
        >>> kind_of(x.relu().grad_fn)
        'Relu'
    """
    return re.sub(r"Backward\d*$", "", node.name().rpartition("::")[2])


def saved(node: Node, name: str) -> Any:
    """Return what autograd saved of an operation, by the name of its argument."""
    return getattr(node, f"_saved_{name}")


def is_relu(node: Node) -> bool:
    """Return whether an operation is max(x, 0)."""
    kind = kind_of(node)
    return kind == "Relu" or (kind == "Threshold" and float(saved(node, "threshold")) == 0)


def is_normalisation(node: Node) -> bool:
    """Return whether an operation is batch normalisation by numbers that are known before."""
    kind = kind_of(node)
    if kind == "NativeBatchNormLegitNoTraining":
        return True
    return kind.endswith("BatchNorm") and not saved(node, "training")


def multiplies(node: Node) -> bool:
    """Return whether an operation multiplies what comes of the image with another such thing."""
    factors = FACTORS.get(kind_of(node), ())
    return bool(factors) and all(node.next_functions[index][0] is not None for index in factors)


def is_linear(node: Node) -> bool:
    """Return whether an operation is linear in what comes of the image, but for a constant."""
    kind = kind_of(node)
    if kind == "Div":
        return node.next_functions[1][0] is None
    return kind in LINEAR or is_normalisation(node) or (kind in FACTORS and not multiplies(node))
