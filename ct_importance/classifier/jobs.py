"""Settings of the jobs of this stage."""

from __future__ import annotations

from typing import Literal

from ct_importance.classifier.options import TrainingOptions
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.options import Options


class TrainingJob(Options):
    """A training of the classifier."""

    options: TrainingOptions
    preparation: ExtractionOptions
    seed: int


class ImportJob(Options):
    """A trained classifier of the user."""

    weights: str
    digest: str
    """Of the file: Snakemake compares files of this size by time only."""
    preparation: ExtractionOptions


class PredictionJob(Options):
    """What the classifier answers to every slice."""

    image_size: int
    precision: Literal["float32", "tf32", "bfloat16"]
    fill: tuple[float, ...]
    """What hides each class in an image, 0 to 1."""
