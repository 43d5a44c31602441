"""Batches of an estimator that takes gradients or looks inside the network: tensors, and torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.compute.batch_size import images_per_pass
from ct_importance.compute.device import in_precision, make_deterministic, pick_device
from ct_importance.saliency.estimator import Batch, Estimator, Shared
from ct_importance.saliency.jobs import Activation, ExplainJob, Files
from ct_importance.saliency.layers.programs import with_layers


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


def differentiating(
    job: ExplainJob, work: Estimator | Shared, files: Files, threads: int
) -> Callable[..., Batch]:
    """Return a function that makes a batch (`ct_importance.saliency.workload.Make`).

    Args:
        job: Which classifier, and how it is explained.
        work: What the batches are for.
        files: What is read.
        threads: CPU threads to use.

    Raises:
        InputError: If the classifier cannot be read, or the work cannot be right for it.
    """
    make_deterministic(threads)
    device = pick_device()
    assert job.classifier is not None, "the job names it"
    assert files.classifier is not None, "the rule names it"
    source = job.classifier.source
    loaded = source.load(files.classifier)
    looks_inside = isinstance(work, Estimator) and "layers" in work.wants
    if looks_inside:
        loaded = with_layers(loaded)
    if isinstance(work, Estimator):
        work.check(loaded)
    folded = in_precision(fold_batch_norm(loaded.network, device), source.precision)
    scores = ExplainedScores(replace(loaded, network=folded), job.activation)
    classifier = built = None
    if looks_inside:
        classifier = replace(loaded, network=loaded.network.to(device))
        built = ExplainedScores(classifier, job.activation)

    def make(images: np.ndarray, targets: np.ndarray, **others: Any) -> Batch:
        _, height, width = source.taken(images.shape[1])
        return Batch(
            images=torch.tensor(images, dtype=torch.float32, device=device).unsqueeze(1),
            targets=torch.from_numpy(targets).to(device),
            scores=scores,
            images_per_pass=images_per_pass(device.type, height, width),
            classifier=classifier,
            built=built,
            **others,
        )

    return make
