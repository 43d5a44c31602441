"""Predictions of the classifier, and its accuracy."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import nn

from ct_importance.compute.device import (
    images_per_pass,
    in_precision,
    make_deterministic,
    pick_device,
)
from ct_importance.compute.progress import progress
from ct_importance.errors import InputError
from ct_importance.io.atomic import write_text
from ct_importance.io.image_table import write_table
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import SUBSETS, count_slices, image_batches, iterate_slices
from ct_importance.task import DEFAULT_TASK

if TYPE_CHECKING:
    from ct_importance.classifier.jobs import PredictionJob

logger = logging.getLogger(__name__)


SCHEMA = pa.schema(
    [
        ("slice_id", pa.string()),
        ("patient_id", pa.string()),
        ("label", pa.int8()),
        ("split", pa.string()),
        ("sampled", pa.bool_()),
        ("annotated", pa.bool_()),
        ("logit", pa.float32()),
        ("probability", pa.float32()),
        ("correct", pa.bool_()),
    ]
)


def predict_slices(
    job: PredictionJob,
    classifier: StrPath,
    slices: StrPath,
    predictions: StrPath,
    evaluation: StrPath,
    threads: int,
) -> None:
    """Write what the classifier answers to every slice, and to images of one grey.

    Args:
        job: How to ask it.
        classifier: File of the classifier.
        slices: The list of slices.
        predictions: The table to write (`SCHEMA`): a row per slice.
        evaluation: The JSON to write: `evaluation_summary` of the training and of the test slices,
            `reference_answers` and `fill_answers`.
        threads: CPU threads to use.

    Raises:
        InputError: If there is no slice, or the classifier cannot be read.
    """
    make_deterministic(threads)
    device = pick_device()
    source = job.classifier.source
    network = in_precision(source.load(classifier, device).network, source.precision)
    rows = list(iterate_slices(slices, ["all"]))
    if not rows:
        raise InputError("no slice could be used: cohort/rejected.parquet says why")
    logits = _logits_of(network, slices, job.image_size, device)
    labels = np.array([row["label"] for row in rows])
    columns: dict[str, Any] = {n: [row[n] for row in rows] for n in SCHEMA.names[:6]}
    columns["logit"] = logits
    columns["probability"] = 1 / (1 + np.exp(-logits.astype(np.float64)))
    columns["correct"] = (logits > 0) == (labels == 1)
    write_table(predictions, SCHEMA, columns)

    members = {
        subset: np.array([SUBSETS[subset](row) for row in rows]) for subset in ("train", "test")
    }
    shape = job.image_size, job.image_size
    found = {
        **{subset: evaluation_summary(logits[m], labels[m]) for subset, m in members.items()},
        "references": reference_answers(network, *shape, device, job.fill),
        "fills": fill_answers(network, *shape, device, job.fill),
    }
    write_text(evaluation, json.dumps(found, indent=2) + "\n")
    logger.info("test slices: %s", found["test"])


@torch.inference_mode()
def predict_logits(
    network: nn.Module, images: np.ndarray, device: torch.device
) -> NDArray[np.float32]:
    """Return the logit of each image.

    Args:
        network: Maps (N, 1, H, W) to (N, 1); used as it is, so put it in eval mode.
        images: (N, H, W) float32 in [0, 1].
        device: Where the network is.

    Returns:
        (N,) float32; above 0 means class 1.
    """
    height, width = images.shape[1:]
    size = images_per_pass(device, height, width, gradient=False)
    passes = [
        network(torch.tensor(images[start : start + size]).unsqueeze(1).to(device))
        for start in range(0, len(images), size)
    ]
    if not passes:
        return np.empty(0, np.float32)
    return torch.cat(passes).flatten().float().cpu().numpy()


def reference_answers(
    network: nn.Module,
    height: int,
    width: int,
    device: torch.device,
    fill: Sequence[float] = DEFAULT_TASK.fill,
) -> dict[str, float | bool]:
    """Return what the classifier answers to an all-black and an all-white image.

    Fidelity masks slices in a grey of their class (`Task.fill`), so that what is masked argues for
    the other class (paper, section 3.1). That reasoning holds for a classifier that answers the
    grey that hides a class with another class.

    Args:
        network: The classifier in eval mode.
        height: Rows of an image.
        width: Columns of an image.
        device: Where the network is.
        fill: What hides each class, 0 (black) to 1 (white).

    Returns:
        ``black_logit``, ``white_logit``; ``black_agrees``, ``white_agrees``: it is answered with no
        class that it hides.
    """
    black, white = _answers_to_greys(network, (0.0, 1.0), height, width, device)
    return {
        "black_logit": black,
        "white_logit": white,
        "black_agrees": all(_is_other(black, k) for k, grey in enumerate(fill) if grey == 0),
        "white_agrees": all(_is_other(white, k) for k, grey in enumerate(fill) if grey == 1),
    }


def fill_answers(
    network: nn.Module, height: int, width: int, device: torch.device, fill: Sequence[float]
) -> list[dict[str, float | bool]]:
    """Return what the classifier answers to the grey that hides each class.

    Args:
        network: The classifier in eval mode.
        height: Rows of an image.
        width: Columns of an image.
        device: Where the network is.
        fill: What hides each class, 0 (black) to 1 (white).

    Returns:
        By class: ``fill``, ``logit``, and ``agrees``: it is answered with another class.
    """
    logits = _answers_to_greys(network, fill, height, width, device)
    return [
        {"fill": grey, "logit": logit, "agrees": _is_other(logit, label)}
        for label, (grey, logit) in enumerate(zip(fill, logits, strict=True))
    ]


def _answers_to_greys(
    network: nn.Module, greys: Sequence[float], height: int, width: int, device: torch.device
) -> list[float]:
    images = np.stack([np.full((height, width), grey, np.float32) for grey in greys])
    logits: list[float] = predict_logits(network, images, device).tolist()
    return logits


def _is_other(logit: float, label: int) -> bool:
    """Tell whether the answer is another class."""
    return int(logit > 0) != label


def balanced_accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of the accuracies of the classes present (paper, section 4.1).

    Args:
        logits: (N,); above 0 means class 1.
        labels: (N,) of 0 and 1.

    Returns:
        A value in [0, 1]; NaN without labels.

    Example:
        >>> balanced_accuracy(np.array([-1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 1, 1]))
        0.75
    """
    rates = [rate for rate in _class_accuracies(logits, labels) if rate is not None]
    return float(np.mean(rates)) if rates else float("nan")


def evaluation_summary(
    logits: np.ndarray, labels: np.ndarray
) -> dict[str, float | int | list[int] | None]:
    """Return how often the classifier is right on a set of slices.

    Args:
        logits: (N,); above 0 means class 1.
        labels: (N,) of 0 and 1.

    Returns:
        ``n``, ``n_by_class`` (slices of each), ``accuracy``, ``balanced_accuracy``, ``sensitivity``
        (accuracy on slices of class 1) and ``specificity`` (of class 0). What has no slices to be
        computed from is None.
    """
    labels = np.asarray(labels)
    specificity, sensitivity = _class_accuracies(logits, labels)
    accuracy = float(np.mean((logits > 0) == (labels == 1))) if len(labels) else None
    return {
        "n": len(labels),
        "n_by_class": [int((labels == label).sum()) for label in (0, 1)],
        "accuracy": accuracy,
        "balanced_accuracy": balanced_accuracy(logits, labels) if len(labels) else None,
        "sensitivity": sensitivity,
        "specificity": specificity,
    }


def _logits_of(network: nn.Module, slices: StrPath, size: int, device: torch.device) -> np.ndarray:
    batch_size = images_per_pass(device, size, size, gradient=False)
    batches = image_batches(iterate_slices(slices, ["all"], ["image"]), batch_size)
    total = -(-count_slices(slices, ["all"]) // batch_size)
    return np.concatenate(
        [
            predict_logits(network, images, device)
            for _, images in progress(batches, "predictions: batches", total)
        ]
    )


def _class_accuracies(logits: np.ndarray, labels: np.ndarray) -> list[float | None]:
    right = (np.asarray(logits) > 0) == (np.asarray(labels) == 1)
    members = [np.asarray(labels) == label for label in (0, 1)]
    return [float(right[member].mean()) if member.any() else None for member in members]
