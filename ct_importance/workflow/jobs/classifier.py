"""What the rules of rules/classifier.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ct_importance.classifier.jobs import ImportJob, PredictionJob, TrainingJob

if TYPE_CHECKING:
    from ct_importance.workflow.study import Study


def train_classifier(study: Study, wildcards: Any) -> TrainingJob:
    """Return how the classifier is trained."""
    return TrainingJob(
        options=study.options.model.training, preparation=study.cohort, seed=study.options.seed
    )


def import_classifier(study: Study, wildcards: Any) -> ImportJob:
    """Return which classifier is taken over."""
    return ImportJob(
        weights=study.inputs.weights(),
        digest=study.inputs.weights_digest(),
        preparation=study.cohort,
    )


def predict_slices(study: Study, wildcards: Any) -> PredictionJob:
    """Return how the classifier is asked."""
    return PredictionJob(
        image_size=study.cohort.image_size,
        precision=study.options.model.precision,
        fill=study.options.task.fill,
    )
