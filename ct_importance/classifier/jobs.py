"""Settings of the jobs of this stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ct_importance.cohort.options import ExtractionOptions
from ct_importance.options import Options
from ct_importance.plugins import Chosen, load
from ct_importance.task import Fill

if TYPE_CHECKING:
    from ct_importance.classifier.source import Source


class ChosenClassifier(Chosen):
    """An entry of the section `classifiers` of config.yaml; its method is its source."""

    @property
    def source(self) -> Source:
        """The source with these options."""
        found: Source = load("source", self.method)(**self.options)
        return found


class TrainingJob(ChosenClassifier):
    """A training of a classifier."""

    preparation: ExtractionOptions
    """Size and HU window of the slices."""
    seed: int
    """That of the replicate."""


class ImportJob(ChosenClassifier):
    """A classifier of the user."""

    digests: dict[str, str]
    """Of its files: Snakemake compares files of this size by time only."""
    preparation: ExtractionOptions
    """Size and HU window of the slices."""


class RandomisationJob(ChosenClassifier):
    """A classifier some of whose layers are re-initialised."""

    layers: float
    """Share of the layers, from the output side."""
    seed: int
    """Seed of the run."""


class ExportJob(ChosenClassifier):
    """A classifier as a graph of ONNX."""

    image_size: int
    """Rows and columns of a slice."""


class PredictionJob(Options):
    """What a classifier answers to every slice."""

    classifier: ChosenClassifier
    image_size: int
    """Rows and columns of a slice."""
    fill: tuple[Fill, ...]
    """What hides each class in an image."""
