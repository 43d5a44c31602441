"""Changes the backward pass of operations, in whatever module or function they are called.

Hooks on modules see neither functional calls nor the graph of an exported program, and say nothing
of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Deconvolving(TorchDispatchMode):
    """While it is on, the gradient of a ReLU is ReLU of the gradient behind it.

    The mask of the forward pass is left out (Zeiler and Fergus 2014, section 2.1).

    Example:
        >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
        >>> with Deconvolving():
        ...     (gradient,) = torch.autograd.grad(x.relu() @ torch.tensor([3.0, -4.0]), x)
        >>> gradient.tolist()
        [3.0, 0.0]
    """

    def __init__(self) -> None:
        """Change nothing before it is entered."""
        super().__init__()  # type: ignore[no-untyped-call] # torch's has no types

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch not to import its compiler, which takes seconds and is not used."""
        return False

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute an operation; what autograd calls for a ReLU in another way."""
        if func is torch.ops.aten.threshold_backward.default and args[2] == 0:
            return torch.relu(args[0])
        return func(*args, **(kwargs or {}))
