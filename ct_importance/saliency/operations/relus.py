"""Estimators that change the backward pass of ReLUs, in whatever way a network spells them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from ct_importance.errors import InputError
from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import torch

    Rule = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

NO_RELU = (
    "the network has no ReLU, and only there would the map differ from the gradient: take "
    "backpropagation instead"
)


class ChangedReLUs(Estimator):
    """The gradient of S, but for a rule of its own at each ReLU."""

    def cost(self) -> Cost:
        """Return one gradient."""
        return Cost(forward=1, backward=1)

    def unfit(self, parts: frozenset[str]) -> str | None:
        """Return why a network without ReLUs has no such map."""
        return None if "relu" in parts else NO_RELU

    @staticmethod
    @abstractmethod
    def rule(before: torch.Tensor, behind: torch.Tensor) -> torch.Tensor:
        """Return what a ReLU passes back.

        Args:
            before: The gradient of its input.
            behind: The gradient of its output.
        """

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the changed backward pass, (N, C, *space).

        Raises:
            InputError: If the network has no ReLU.
        """
        from ct_importance.saliency.gradients import in_passes, input_gradient

        def change(scores: torch.Tensor) -> None:
            if not change_relus(scores, self.rule):
                raise InputError(f"{batch.name}: {NO_RELU}")

        return in_passes(
            lambda images, targets: input_gradient(batch.scores, images, targets, change), batch
        )


def change_relus(scores: torch.Tensor, rule: Rule) -> int:
    """Let the backward pass from some scores follow a rule at each ReLU; return their number.

    Example:
        >>> import torch
        >>> x = torch.tensor([-1.0, 2.0], requires_grad=True)
        >>> answer = x.relu() @ torch.tensor([3.0, -4.0])
        >>> change_relus(answer, lambda before, behind: behind.relu())
        1
        >>> torch.autograd.grad(answer, x)[0].tolist()
        [3.0, 0.0]
    """
    from ct_importance.saliency.operations.graph import is_relu, operations_before

    def hook(before: tuple[torch.Tensor, ...], behind: tuple[torch.Tensor, ...]) -> tuple[object]:
        return (rule(before[0], behind[0]),)

    relus = [node for node in operations_before(scores) if is_relu(node)]
    for node in relus:
        node.register_hook(hook)
    return len(relus)
