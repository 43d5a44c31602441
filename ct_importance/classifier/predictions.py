"""Predictions of the classifier, and its accuracy."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ct_importance.classifier.forward.answers import (
    balanced_accuracy,
    class_accuracies,
    logits,
    predicted_classes,
    probabilities,
)
from ct_importance.classifier.forward.runtime import Answers, Forward, open_forward
from ct_importance.classifier.source import Head
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


KEYS = ("slice_id", "patient_id", "label", "split", "sampled", "annotated")


def predictions_schema(classes: int) -> pa.Schema:
    """Return the schema of predictions: of two classes, a logit and the probability of the second.

    Of more, they have the score and the probability of each.
    """
    answer = [("logit", pa.float32()), ("probability", pa.float32())]
    if classes > 2:
        numbers = pa.list_(pa.float32(), classes)
        answer = [("scores", numbers), ("probabilities", numbers)]
    return pa.schema(
        [
            ("slice_id", pa.string()),
            ("patient_id", pa.string()),
            ("label", pa.int8()),
            ("split", pa.string()),
            ("sampled", pa.bool_()),
            ("annotated", pa.bool_()),
            *answer,
            ("predicted", pa.int8()),
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
        predictions: The table to write (`predictions_schema`): a row per slice.
        evaluation: The JSON to write: `evaluation_summary` of the training and of the test slices,
            and `fill_answers`.
        threads: CPU threads to use.

    Raises:
        InputError: If there is no slice, or the classifier cannot be read.
    """
    source, classes = job.classifier.source, len(job.fill)
    forward = open_forward(source, classifier, graph, threads)
    rows = list(iterate_slices(slices, ["all"]))
    if not rows:
        raise InputError("no slice could be used: cohort/rejected.parquet says why")
    scores = _scores_of(forward, slices)
    if scores.shape[1] != classes:
        raise InputError(
            f"the classifier {job.classifier.name} tells {scores.shape[1]} classes apart, and the "
            f"task has {classes}: take another, or change task.classes"
        )
    labels, predicted = np.array([row["label"] for row in rows]), predicted_classes(scores)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in KEYS}
    columns |= _answers(scores, source.reading)
    columns |= {"predicted": predicted, "correct": predicted == labels}
    write_table(predictions, predictions_schema(classes), columns)

    members = {
        subset: np.array([SUBSETS[subset](row) for row in rows]) for subset in ("train", "test")
    }
    found = {
        **{
            subset: evaluation_summary(predicted[member], labels[member], classes)
            for subset, member in members.items()
        },
        "fills": fill_answers(forward, job.image_size, job.image_size, job.fill),
    }
    write_text(evaluation, json.dumps(found, indent=2) + "\n")
    logger.info("test slices: %s", found["test"])


def _answers(scores: Answers, head: Head) -> dict[str, Any]:
    """Return the columns of what the classifier answers."""
    of_classes = probabilities(scores, head)
    if scores.shape[1] == 2:
        return {"logit": logits(scores), "probability": of_classes[:, 1]}
    return {"scores": list(scores), "probabilities": list(of_classes.astype(np.float32))}


def fill_answers(
    classifier: Forward, height: int, width: int, fill: Sequence[Fill]
) -> list[dict[str, Any] | None]:
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
        By class: ``fill``, ``logit`` (of more than two classes ``predicted``), and ``agrees``: it
        is answered with another class. None for a class that the mean of the slice hides: it is of
        no one grey, and argues for no class.
    """
    greys = {label: grey for label, grey in enumerate(fill) if grey != "mean"}
    images = np.ones((len(greys), height, width), np.float32)
    images *= np.array([*greys.values()], np.float32)[:, None, None]
    scores = classifier.scores(images)
    predicted = predicted_classes(scores).tolist()
    said = {"predicted": predicted} if len(fill) > 2 else {"logit": logits(scores).tolist()}
    found: list[dict[str, Any] | None] = [None] * len(fill)
    for place, (label, grey) in enumerate(greys.items()):
        answer = {name: values[place] for name, values in said.items()}
        found[label] = {"fill": grey, **answer, "agrees": predicted[place] != label}
    return found


def evaluation_summary(
    predicted: np.ndarray, labels: np.ndarray, classes: int = 2
) -> dict[str, Any]:
    """Return how often the classifier is right on a set of slices.

    Args:
        predicted: (N,) classes.
        labels: (N,) classes.
        classes: How many there are.

    Returns:
        ``n``, ``n_by_class`` (slices of each), ``accuracy``, ``balanced_accuracy``, and of two
        classes ``sensitivity`` (accuracy on slices of class 1) and ``specificity`` (of class 0), of
        more ``accuracy_by_class``. What has no slices to be computed from is None.
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    rates = class_accuracies(predicted, labels, classes)
    by_class: dict[str, Any] = {"accuracy_by_class": rates}
    if classes == 2:
        by_class = {"sensitivity": rates[1], "specificity": rates[0]}
    there = len(labels) > 0
    return {
        "n": len(labels),
        "n_by_class": [int((labels == label).sum()) for label in range(classes)],
        "accuracy": float(np.mean(predicted == labels)) if there else None,
        "balanced_accuracy": balanced_accuracy(predicted, labels, classes) if there else None,
        **by_class,
    }


def _scores_of(classifier: Forward, slices: StrPath) -> Answers:
    batches = image_batches(iterate_slices(slices, ["all"], ["image"]), ROWS_PER_GROUP)
    total = -(-count_slices(slices, ["all"]) // ROWS_PER_GROUP)
    return np.concatenate(
        [
            classifier.scores(images)
            for _, images in progress(batches, "predictions: batches", total)
        ]
    )
