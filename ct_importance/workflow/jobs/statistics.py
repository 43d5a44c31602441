"""What the rules of rules/statistics.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import Any

from ct_importance.cohort.options import WITHOUT_PLACE
from ct_importance.statistics.jobs import (
    ConcordanceJob,
    EstimationJob,
    RankingJob,
    SimilarityJob,
    TruthJob,
)
from ct_importance.task import key_of
from ct_importance.workflow.layout.metrics import MetricFiles
from ct_importance.workflow.layout.saliency import SaliencyFiles


def estimate_values(study: MetricFiles, wildcards: Any) -> EstimationJob:
    """Return by which metric the estimators are compared."""
    return EstimationJob(
        **study.chosen_metrics[wildcards.metric].model_dump(),
        seed=study.options.seed,
        estimators=tuple(study.estimators),
        statistics=study.options.statistics,
        classes=study.options.task.columns,
    )


def estimate_components(study: MetricFiles, wildcards: Any) -> EstimationJob:
    """Return by which metric values are taken apart: what `estimate_values` is asked."""
    return estimate_values(study, wildcards)


def compare_maps(study: SaliencyFiles, wildcards: Any) -> SimilarityJob:
    """Return of which estimator the maps are compared."""
    return SimilarityJob(
        estimator=wildcards.estimator,
        subsets=tuple(study.explained()),
        seed=study.options.seed,
        statistics=study.options.statistics,
    )


def rank_estimators(study: MetricFiles, wildcards: Any) -> RankingJob:
    """Return which metrics rank which estimators."""
    return RankingJob(
        metrics=tuple(study.chosen_metrics.values()),
        estimators=tuple(study.estimators),
        seed=study.options.seed,
        statistics=study.options.statistics,
    )


def measure_truth(study: SaliencyFiles, wildcards: Any) -> TruthJob:
    """Return which classifiers see signs, on slices of which class."""
    keys = study.options.task.keys
    return TruthJob(
        trainings={name: len(study.trainings[name]) for name in study.planted_of},
        **rank_estimators(study, wildcards).model_dump(),
        controls=study.controls(),
        labels={name: keys.index(key_of(it.in_class)) for name, it in study.planted_of.items()},
        without_place=tuple(
            name for name, it in study.planted_of.items() if it.sign in WITHOUT_PLACE
        ),
    )


def compare_classifiers(study: MetricFiles, wildcards: Any) -> ConcordanceJob:
    """Return which classifiers are compared, by which metrics."""
    return ConcordanceJob(
        trainings={name: len(replicates) for name, replicates in study.trainings.items()},
        **rank_estimators(study, wildcards).model_dump(),
    )
