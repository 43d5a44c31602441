"""The score that is explained, before or after the sigmoid, as a module of torch."""

from __future__ import annotations

import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.saliency.jobs import Activation


class ExplainedScores(nn.Module):
    """The explained activation of each class.

    ``logit`` is the score before the sigmoid or softmax; ``probability`` is the number after it,
    whose gradient is exactly 0 where it is saturated.
    """

    def __init__(self, classifier: Classifier, activation: Activation = "logit") -> None:
        """Wrap a classifier, so that captum finds the modules of its network."""
        super().__init__()
        if activation not in ("logit", "probability"):
            raise ValueError(f"activation must be logit or probability, not {activation!r}")
        self.network = classifier.network
        self._answer = classifier.scores if activation == "logit" else classifier.probabilities

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (N, C, *space) to the activations (N, K)."""
        return self._answer(x)
