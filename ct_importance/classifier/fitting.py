"""Trains the classifier on the slices of the training patients, and writes its file."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from torch import nn

from ct_importance.classifier.networks.input import without_adapter
from ct_importance.classifier.networks.state import Made
from ct_importance.classifier.options import TrainingOptions
from ct_importance.classifier.source import Head
from ct_importance.classifier.store import save_classifier
from ct_importance.classifier.training import train_classifier
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.compute.device import pick_device
from ct_importance.compute.randomness import generator_for
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
    options: TrainingOptions,
    preparation: ExtractionOptions,
    seed: int,
    slices: StrPath,
    classifier: StrPath,
    history: StrPath,
    build: Callable[[], nn.Module],
    made: Made | None = None,
    classes: int = 2,
    head: Head | None = None,
) -> None:
    """Train a network on the slices of the training patients.

    Args:
        options: How to train.
        preparation: Size and HU window of the slices.
        seed: Seed of the training.
        slices: The list of slices.
        classifier: The file to write, as `save_classifier` does.
        history: The table to write: a row per epoch (`HISTORY_SCHEMA`).
        build: Makes the network, with what is in front of it.
        made: What it is made of, as `save_classifier` takes it.
        classes: How many there are.
        head: How the outputs are read, as `train_classifier` takes it.

    Raises:
        InputError: If there are no training slices, or none of a class.
    """
    _, images, labels = load_images(slices, "train")
    if options.shuffle_labels:
        labels = generator_for(seed, "labels").permutation(labels)
    _, test_images, test_labels = load_images(slices, "test")
    test = (test_images, test_labels)
    network, rows = train_classifier(
        images, labels, options, seed, pick_device(), test, build, classes, head
    )
    size, window = preparation.image_size, preparation.hu_window
    save_classifier(classifier, without_adapter(network), size, window, made)
    columns = {name: [row[name] for row in rows] for name in HISTORY_SCHEMA.names}
    write_table(history, HISTORY_SCHEMA, columns)
