"""Prepares the batches of slices that a job explains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import islice, tee
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ct_importance.io.image_table import ROWS_PER_GROUP
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import (
    Row,
    Shard,
    count_slices,
    image_batches,
    iterate_slices,
    load_images,
    load_training_masks,
    original_of,
    read_labels,
    read_predicted,
)
from ct_importance.saliency.estimator import Batch, Estimator, Shared
from ct_importance.saliency.jobs import ExplainJob, Files, ImportanceJob
from ct_importance.saliency.target import Targets
from ct_importance.saliency.xrai.storage import read_segments

Item = TypeVar("Item")
END: Any = object()
Make = Callable[..., Batch]
"""Makes a batch of images (n, H, W), their targets (n,), and what else a `Batch` holds."""


def prepare_batches(
    job: ExplainJob, name: str, work: Estimator | Shared, files: Files, threads: int
) -> tuple[Iterator[Batch], int]:
    """Return the batches that a job computes maps of, and their number.

    Args:
        job: Which slices, and how.
        name: Of the estimator or the kind of shared work.
        work: The estimator or the shared work.
        files: What is read.
        threads: CPU threads to use.

    Raises:
        InputError: If a file is missing or damaged, or the work cannot be right for the classifier.
    """
    if isinstance(work, Estimator) and work.only_asks:
        from ct_importance.saliency.asking import asking

        make = asking(job, files, threads)
    else:
        from ct_importance.saliency.differentiating import differentiating

        make = differentiating(job, work, files, threads)
    # The target of what does not look at the classifier means nothing.
    target = work.target if isinstance(work, Shared) or work.looks else "last"
    targets = Targets(name, target, job.classes, _known(target, files))
    shard = Shard.parse(job.shard)
    # Read once: the batches of a job share them.
    every = files.training or files.slices
    training_images = cache(lambda: load_images(every, "train")[1])
    training_masks = cache(lambda: load_training_masks(every))
    given_map = _given_maps(job, files) if isinstance(job, ImportanceJob) and job.given else None

    def batches() -> Iterator[Batch]:
        rows = iterate_slices(files.slices, job.subsets, ["image"], shard)
        grouped = _grouped(rows, files.segments, job.image_shape[1:])
        for slice_ids, images, segments in prefetch(grouped):
            yield make(
                images,
                targets.of(list(map(original_of, slice_ids))),
                name=name,
                seed=job.seed,
                slice_ids=slice_ids,
                training_images=training_images,
                training_masks=training_masks,
                given_map=given_map,
                segments=segments,
            )

    total = count_slices(files.slices, job.subsets, shard)
    return batches(), -(-total // ROWS_PER_GROUP)


def _given_maps(job: ImportanceJob, files: Files) -> Callable[[str], NDArray[np.float32]]:
    """Return a function from a slice's id to its map that was made elsewhere.

    Raises:
        InputError: If a slice has none.
    """
    from ct_importance.cohort.slice_entry import read_index
    from ct_importance.saliency.given.matching import GivenMaps

    assert job.given is not None, "the estimator names the folder"
    assert files.index is not None, "the rule names it"
    size, suffix = job.image_shape[-1], job.options.get("suffix", "")
    maps = GivenMaps(job.name, job.given, read_index(files.index), size, suffix)
    maps.check([row["slice_id"] for row in iterate_slices(files.slices, job.subsets)])
    return maps


def _known(target: str, files: Files) -> dict[str, int]:
    """Return the class of each slice that a target follows."""
    if target == "predicted" and files.predictions is not None:
        return read_predicted(files.predictions)
    labels = read_labels(files.slices) if target == "true" else {}
    return {original_of(slice_id): label for slice_id, label in labels.items()}


def _grouped(
    rows: Iterable[Row], segments: StrPath | None, shape: tuple[int, ...]
) -> Iterator[tuple[Any, Any, Any]]:
    """Yield slice ids, images (n, H, W), and segments of each if there is a table of them."""
    if segments is None:
        for slice_ids, images in image_batches(rows, ROWS_PER_GROUP):
            yield slice_ids, images, None
        return
    slices, again = tee(rows)
    found = read_segments(again, segments, shape)
    for slice_ids, images in image_batches(slices, ROWS_PER_GROUP):
        yield slice_ids, images, list(islice(found, len(slice_ids)))


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
