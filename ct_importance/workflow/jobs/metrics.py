"""What the rules of rules/metrics.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import Any

from ct_importance.metrics.jobs import EvaluationJob
from ct_importance.plugins import entry_of
from ct_importance.statistics.jobs import CeilingJob
from ct_importance.workflow.jobs.classifier import chosen_classifier
from ct_importance.workflow.layout.metrics import MetricFiles


def evaluate_importance(study: MetricFiles, wildcards: Any) -> EvaluationJob:
    """Return by which metric an estimator is evaluated."""
    asks = study.needs(wildcards.metric, "classifier")
    return EvaluationJob(
        **entry_of(wildcards.metric, study.config.metrics[wildcards.metric].evaluated),
        seed=study.options.seed,
        estimator=wildcards.estimator,
        shard=study.shard_of(wildcards),
        classifier=chosen_classifier(study, wildcards.classifier) if asks else None,
        fill=study.options.task.fill if asks else None,
    )


def evaluate_ceiling(study: MetricFiles, wildcards: Any) -> CeilingJob:
    """Return by which metric a perfect map is evaluated, or the readers are."""
    return CeilingJob(
        of_readers=wildcards.ceiling == "readers",
        **study.chosen_metrics[wildcards.metric].model_dump(),
        seed=study.options.seed,
        statistics=study.options.statistics,
        classes=study.options.task.columns,
    )
