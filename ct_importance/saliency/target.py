"""The explained activation S: the number of the classifier whose gradient is taken."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

Target = Literal["logit", "probability"]


class ExplainedScore(nn.Module):
    """The classifier with its answer as one number per image.

    ``logit`` is f(x), the output before the sigmoid; ``probability`` is p = sigmoid(f(x)), whose
    gradient p (1 - p) df/dx is exactly 0 where the sigmoid is saturated.
    """

    def __init__(self, network: nn.Module, target: Target = "logit") -> None:
        """Wrap a network that maps (N, 1, H, W) to (N, 1) or (N,) logits."""
        super().__init__()
        if target not in ("logit", "probability"):
            raise ValueError(f"target must be logit or probability, not {target!r}")
        self.network = network
        self.activation = nn.Sigmoid() if target == "probability" else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, 1, H, W) to S, (N,)."""
        return self.activation(self.network(x).flatten())
