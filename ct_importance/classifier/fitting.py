"""Trains the classifier on the slices of the training patients, and writes its file."""

from __future__ import annotations

import pyarrow as pa

from ct_importance.classifier.jobs import TrainingJob
from ct_importance.classifier.store import save_classifier
from ct_importance.classifier.training import train_classifier
from ct_importance.compute.device import make_deterministic, pick_device
from ct_importance.io.image_table import write_table
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import load_images

HISTORY_SCHEMA = pa.schema(
    [
        ("epoch", pa.int32()),
        ("learning_rate", pa.float64()),
        ("loss", pa.float64()),
        ("balanced_accuracy", pa.float64()),
        ("test_loss", pa.float64()),
        ("test_balanced_accuracy", pa.float64()),
    ]
)


def fit_classifier(
    job: TrainingJob, slices: StrPath, classifier: StrPath, training: StrPath, threads: int
) -> None:
    """Train the ResNet-50 on the slices of the training patients.

    Args:
        job: How to train.
        slices: The list of slices.
        classifier: The file to write, as `save_classifier` does.
        training: The table to write: a row per epoch (`HISTORY_SCHEMA`).
        threads: CPU threads to use.

    Raises:
        InputError: If there are no training slices, or slices of one class only.
    """
    make_deterministic(threads)
    _, images, labels = load_images(slices, "train")
    _, test_images, test_labels = load_images(slices, "test")
    test = (test_images, test_labels)
    network, history = train_classifier(images, labels, job.options, job.seed, pick_device(), test)
    save_classifier(classifier, network, job.preparation.image_size, job.preparation.hu_window)
    columns = {name: [row[name] for row in history] for name in HISTORY_SCHEMA.names}
    write_table(training, HISTORY_SCHEMA, columns)
