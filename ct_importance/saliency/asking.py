"""Batches of an estimator that only asks the classifier: arrays, and the fastest runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ct_importance.classifier.forward.answers import probabilities
from ct_importance.classifier.forward.runtime import Forward, has_gpu, open_forward
from ct_importance.classifier.source import Head
from ct_importance.compute.batch_size import images_per_pass
from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.jobs import Activation, ExplainJob, Files


class AskedScores:
    """The explained activation of each class, as `ExplainedScores`, of arrays."""

    def __init__(self, forward: Forward, activation: Activation, head: Head) -> None:
        """Ask a classifier for the score of each class, or for its probability."""
        self._forward, self._activation, self._head = forward, activation, head

    def __call__(self, images: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        """Map images (N, 1, H, W) to the activations (N, K)."""
        scores = self._forward.scores(images[:, 0])
        return scores if self._activation == "logit" else probabilities(scores, self._head)


def asking(job: ExplainJob, files: Files, threads: int) -> Callable[..., Batch]:
    """Return a function that makes a batch (`ct_importance.saliency.workload.Make`).

    The classifier is opened when the first batch is made, and not at all for an estimator that
    never asks.

    Args:
        job: Which classifier, and how it is explained.
        files: What is read.
        threads: CPU threads to use.
    """
    opened: list[AskedScores] = []
    source = job.classifier.source if job.classifier else None

    def scores(images: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
        if not opened:
            assert source is not None, "the job names it"
            assert files.classifier is not None, "the rule names it"
            assert files.graph is not None, "the rule names it"
            forward = open_forward(source, files.classifier, files.graph, threads)
            opened.append(AskedScores(forward, job.activation, source.reading))
        return opened[0](images)

    def make(images: NDArray[np.float32], targets: NDArray[np.int64], **others: Any) -> Batch:
        arrays: Any = {"images": images[:, None], "targets": targets, "scores": scores}
        passes = 1
        if source is not None:
            _, height, width = source.taken(images.shape[1])
            device = "cuda" if has_gpu() else "cpu"
            passes = images_per_pass(device, height, width, gradient=False)
        return Batch(images_per_pass=passes, **arrays, **others)

    return make
