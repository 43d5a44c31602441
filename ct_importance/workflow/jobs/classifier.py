"""What the rules of rules/classifier.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import Any

from ct_importance.classifier.jobs import (
    ChosenClassifier,
    ExportJob,
    ImportJob,
    PredictionJob,
    RandomisationJob,
    TrainingJob,
)
from ct_importance.io.digests import file_digest
from ct_importance.metrics.variations.variation import Randomised
from ct_importance.plugins import entry_of
from ct_importance.workflow.layout.grid import Grid
from ct_importance.workflow.layout.variations import VariationFiles


def train_classifier(study: Grid, wildcards: Any) -> TrainingJob:
    """Return how a classifier is trained."""
    return TrainingJob(
        **_made(study, wildcards), seed=study.options.seed + int(wildcards.replicate) - 1
    )


def import_classifier(study: Grid, wildcards: Any) -> ImportJob:
    """Return which classifier is taken over."""
    files = study.inputs.files_of_classifier(wildcards.classifier)
    digests = {key: file_digest(path) for key, path in files.items()}
    return ImportJob(**_made(study, wildcards), digests=digests)


def randomise_classifier(study: VariationFiles, wildcards: Any) -> RandomisationJob:
    """Return which layers of a classifier are re-initialised."""
    variation = study.named(Randomised, wildcards.randomised)
    chosen = _without_precision(study, wildcards)
    return RandomisationJob(**chosen, layers=variation.layers, seed=study.options.seed)


def export_classifier(study: Grid, wildcards: Any) -> ExportJob:
    """Return which classifier is exported."""
    chosen = _without_precision(study, wildcards)
    return ExportJob(**chosen, image_size=study.cohort.image_size)


def predict_slices(study: Grid, wildcards: Any) -> PredictionJob:
    """Return how the classifier is asked."""
    return PredictionJob(
        classifier=chosen_classifier(study, wildcards.classifier),
        image_size=study.cohort.image_size,
        fill=study.options.task.fill,
    )


def chosen_classifier(study: Grid, name: str) -> ChosenClassifier:
    """Return a classifier with its options."""
    return ChosenClassifier(**entry_of(name, study.classifiers[name]))


def _made(study: Grid, wildcards: Any) -> dict[str, Any]:
    return _without_precision(study, wildcards) | {"preparation": study.cohort}


def _without_precision(study: Grid, wildcards: Any) -> dict[str, Any]:
    chosen = chosen_classifier(study, wildcards.classifier).model_dump()
    # Of no concern before the network is used.
    del chosen["options"]["precision"]
    return chosen
