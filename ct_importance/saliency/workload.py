"""What a job that takes gradients works on: the classifier, the slices, and their context."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ct_importance.classifier.store import load_classifier
from ct_importance.compute.device import (
    Precision,
    images_per_pass,
    in_precision,
    make_deterministic,
    pick_device,
)
from ct_importance.compute.prefetch import prefetch
from ct_importance.io.image_table import ROWS_PER_GROUP
from ct_importance.io.slices import Shard, count_slices, image_batches, iterate_slices, load_images
from ct_importance.saliency.estimator import Context, EstimatorOptions, PartOptions


@dataclass(frozen=True)
class Workload:
    """The slices to explain, and what explains them."""

    network: nn.Module
    """In eval mode on the device of the context."""
    batches: Iterator[tuple[list[str], np.ndarray]]
    """Slice ids and images (n, H, W)."""
    total: int
    """Number of batches."""
    context: Context


def prepare_workload(
    classifier: str | os.PathLike,
    slices: str | os.PathLike,
    subsets: Sequence[str],
    name: str,
    options: EstimatorOptions | PartOptions,
    seed: int,
    image_size: int,
    precision: Precision,
    threads: int,
    shard: Shard,
) -> Workload:
    """Return what a job computes maps of.

    Args:
        classifier: Checkpoint of the classifier.
        slices: The list of slices.
        subsets: Names out of `ct_importance.io.slices.SUBSETS`.
        name: Of the estimator or the kind of part.
        options: Its options.
        seed: Seed of the run.
        image_size: Rows and columns of a slice.
        precision: That of the passes, see `ct_importance.compute.device.in_precision`.
        threads: CPU threads to use.
        shard: The share of the slices that is this job's.
    """
    make_deterministic(threads)
    device = pick_device()
    context = Context(
        options=options,
        seed=seed,
        name=name,
        slice_ids=(),
        device=device,
        images_per_pass=images_per_pass(device, image_size, image_size),
        training_images=lambda: load_images(slices, "train")[1],
    )
    network = load_classifier(classifier, device=device).to(memory_format=torch.channels_last)
    batches = image_batches(iterate_slices(slices, subsets, ["image"], shard), ROWS_PER_GROUP)
    total = -(-count_slices(slices, subsets, shard) // ROWS_PER_GROUP)
    return Workload(in_precision(network, precision), prefetch(batches), total, context)
