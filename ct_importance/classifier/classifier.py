"""The contract of a classifier: a network, and how its answer is read."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ct_importance.classifier.source import Head


class Around(nn.Module):
    """What is put around a network, whose layers keep the names that they have in it."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network."""
        super().__init__()
        self.network = network


class OneLogit(Around):
    """A network with two outputs, (N, 2), as one with a logit.

    Softmax of (a, b) gives the second class the probability that the sigmoid gives it of b - a.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, *space) to logits (N, 1)."""
        answer: torch.Tensor = self.network(x)
        return answer[:, 1:] - answer[:, :1]


@dataclass(frozen=True)
class Classifier:
    """A network in eval mode, whose parameters require no gradient."""

    network: nn.Module
    """Maps images (N, C, *space) in [0, 1] to its answer."""
    head: Head = "logit"
    """How the answer is read."""
    inside: str = ""
    """What stands in front of names of layers, because of what is around the network; found here,
    and kept where the network is replaced by one that computes the same."""

    def __post_init__(self) -> None:
        """Find where the layers are."""
        network, inside = self.network, self.inside
        while not self.inside and isinstance(network, Around):
            network, inside = network.network, f"{inside}network."
        object.__setattr__(self, "inside", inside)

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Return the score of each class, (N, K), before sigmoid or softmax.

        A single logit z is the scores (-z, z): explaining the predicted class is then what the
        paper does by turning the sign of a map where class 0 is predicted (section 2).
        """
        answer: torch.Tensor = self.network(x)
        if self.head == "logit":
            logit = answer.reshape(len(x), 1)
            return torch.cat([-logit, logit], dim=1)
        return answer

    def probabilities(self, x: torch.Tensor) -> torch.Tensor:
        """Return the probability of each class, (N, K); those of `multilabel` have any sum."""
        scores = self.scores(x)
        return torch.softmax(scores, dim=1) if self.head == "softmax" else torch.sigmoid(scores)

    def layer(self, name: str) -> nn.Module:
        """Return a module of the network by its name there, for estimators that look inside.

        Raises:
            AttributeError: If there is none.
        """
        return self.network.get_submodule(self.inside + name)


def classifier_of(network: nn.Module, outputs: int, head: Head | None) -> Classifier:
    """Return a network as a classifier; two outputs with softmax become one logit.

    Args:
        network: In eval mode.
        outputs: How many it has.
        head: Key of its source; None: by their number.
    """
    if head == "multilabel":
        return Classifier(network, head)
    if outputs > 2:
        return Classifier(network, "softmax")
    return Classifier(network if outputs == 1 else OneLogit(network).eval())
