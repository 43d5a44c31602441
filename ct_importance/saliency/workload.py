"""Prepares the batches of slices that a job explains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch

from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.compute.batch_size import images_per_pass
from ct_importance.compute.device import in_precision, make_deterministic, pick_device
from ct_importance.io.image_table import ROWS_PER_GROUP
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import (
    Shard,
    count_slices,
    image_batches,
    iterate_slices,
    load_images,
    read_labels,
    read_predicted,
)
from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.jobs import ExplainJob
from ct_importance.saliency.target import ExplainedScores, Targets

Item = TypeVar("Item")
END: Any = object()


def prepare_batches(
    job: ExplainJob,
    name: str,
    target: str,
    classifier: StrPath,
    slices: StrPath,
    predictions: StrPath | None,
    threads: int,
) -> tuple[Iterator[Batch], int]:
    """Return the batches that a job computes maps of, and their number.

    Args:
        job: Which slices, and how.
        name: Of the estimator or the kind of shared work.
        target: Which class is explained (`ct_importance.saliency.estimator.Target`).
        classifier: File of the classifier.
        slices: The list of slices.
        predictions: What the classifier answers to them; None if the target does not follow it.
        threads: CPU threads to use.
    """
    make_deterministic(threads)
    device = pick_device()
    shard = Shard.parse(job.shard)
    source = job.classifier.source
    loaded = source.load(classifier)
    network = fold_batch_norm(loaded.network, device)
    in_use = replace(loaded, network=in_precision(network, source.precision))
    scores = ExplainedScores(in_use, job.activation)
    known = {}
    if target == "predicted" and predictions is not None:
        known = read_predicted(predictions)
    elif target == "true":
        known = read_labels(slices)
    targets = Targets(name, target, job.classes, known)
    references: list[np.ndarray] = []

    def training_images() -> np.ndarray:
        # Read once: the batches of a job share them.
        if not references:
            references.append(load_images(slices, "train")[1])
        return references[0]

    def batches() -> Iterator[Batch]:
        rows = iterate_slices(slices, job.subsets, ["image"], shard)
        for slice_ids, images in prefetch(image_batches(rows, ROWS_PER_GROUP)):
            _, height, width = source.taken(images.shape[1])
            yield Batch(
                name=name,
                seed=job.seed,
                slice_ids=slice_ids,
                images=torch.tensor(images, dtype=torch.float32, device=device).unsqueeze(1),
                targets=torch.from_numpy(targets.of(slice_ids)).to(device),
                scores=scores,
                images_per_pass=images_per_pass(device.type, height, width),
                training_images=training_images,
            )

    return batches(), -(-count_slices(slices, job.subsets, shard) // ROWS_PER_GROUP)


def prefetch(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items in their order; the next one is made meanwhile, in a thread.

    An error in making an item is raised where that item would have come.

    Example:
        >>> list(prefetch(number**2 for number in range(4)))
        [0, 1, 4, 9]
    """
    iterator = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as thread:
        coming = thread.submit(next, iterator, END)
        while (item := coming.result()) is not END:
            coming = thread.submit(next, iterator, END)
            yield item
