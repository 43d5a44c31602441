"""Predictions of the classifier, and its accuracy."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ct_importance.classifier.forward.runtime import Forward, open_forward
from ct_importance.compute.progress import progress
from ct_importance.errors import InputError
from ct_importance.io.atomic import write_text
from ct_importance.io.image_table import ROWS_PER_GROUP, write_table
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import SUBSETS, count_slices, image_batches, iterate_slices

if TYPE_CHECKING:
    from ct_importance.classifier.jobs import PredictionJob
    from ct_importance.task import Fill

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
    graph: StrPath,
    slices: StrPath,
    predictions: StrPath,
    evaluation: StrPath,
    threads: int,
) -> None:
    """Write what the classifier answers to every slice, and to images of one grey.

    Args:
        job: How to ask it.
        classifier: File of the classifier.
        graph: The classifier as a graph of ONNX (`open_forward`).
        slices: The list of slices.
        predictions: The table to write (`SCHEMA`): a row per slice.
        evaluation: The JSON to write: `evaluation_summary` of the training and of the test slices,
            and `fill_answers`.
        threads: CPU threads to use.

    Raises:
        InputError: If there is no slice, or the classifier cannot be read.
    """
    forward = open_forward(job.classifier.source, classifier, graph, threads)
    rows = list(iterate_slices(slices, ["all"]))
    if not rows:
        raise InputError("no slice could be used: cohort/rejected.parquet says why")
    logits = _logits_of(forward, slices)
    labels = np.array([row["label"] for row in rows])
    columns: dict[str, Any] = {n: [row[n] for row in rows] for n in SCHEMA.names[:6]}
    columns["logit"] = logits
    columns["probability"] = 1 / (1 + np.exp(-logits.astype(np.float64)))
    columns["correct"] = (logits > 0) == (labels == 1)
    write_table(predictions, SCHEMA, columns)

    members = {
        subset: np.array([SUBSETS[subset](row) for row in rows]) for subset in ("train", "test")
    }
    found = {
        **{subset: evaluation_summary(logits[m], labels[m]) for subset, m in members.items()},
        "fills": fill_answers(forward, job.image_size, job.image_size, job.fill),
    }
    write_text(evaluation, json.dumps(found, indent=2) + "\n")
    logger.info("test slices: %s", found["test"])


def fill_answers(
    classifier: Forward, height: int, width: int, fill: Sequence[Fill]
) -> list[dict[str, float | bool] | None]:
    """Return what the classifier answers to the grey that hides each class.

    Fidelity masks slices in a grey of their class (`Task.fill`), so that what is masked argues for
    the other class (paper, section 3.1). That reasoning holds for a classifier that answers the
    grey that hides a class with another class.

    Args:
        classifier: The classifier.
        height: Rows of an image.
        width: Columns of an image.
        fill: What hides each class.

    Returns:
        By class: ``fill``, ``logit``, and ``agrees``: it is answered with another class. None for a
        class that the mean of the slice hides: it is of no one grey, and argues for no class.
    """
    greys = {label: grey for label, grey in enumerate(fill) if grey != "mean"}
    images = np.ones((len(greys), height, width), np.float32)
    images *= np.array([*greys.values()], np.float32)[:, None, None]
    logits = dict(zip(greys, classifier.scores(images)[:, 1].tolist(), strict=True))
    return [
        {"fill": greys[label], "logit": logits[label], "agrees": int(logits[label] > 0) != label}
        if label in greys
        else None
        for label in range(len(fill))
    ]


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


def _logits_of(classifier: Forward, slices: StrPath) -> np.ndarray:
    batches = image_batches(iterate_slices(slices, ["all"], ["image"]), ROWS_PER_GROUP)
    total = -(-count_slices(slices, ["all"]) // ROWS_PER_GROUP)
    return np.concatenate(
        [
            classifier.scores(images)[:, 1]
            for _, images in progress(batches, "predictions: batches", total)
        ]
    )


def _class_accuracies(logits: np.ndarray, labels: np.ndarray) -> list[float | None]:
    right = (np.asarray(logits) > 0) == (np.asarray(labels) == 1)
    members = [np.asarray(labels) == label for label in (0, 1)]
    return [float(right[member].mean()) if member.any() else None for member in members]
