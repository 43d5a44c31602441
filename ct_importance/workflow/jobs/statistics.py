"""What the rules of rules/statistics.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ct_importance.statistics.jobs import EstimationJob, RankingJob

if TYPE_CHECKING:
    from ct_importance.workflow.study import Study


def estimate_values(study: Study, wildcards: Any) -> EstimationJob:
    """Return by which metric the estimators are compared."""
    return EstimationJob(
        **study.chosen_metric(wildcards.metric),
        seed=study.options.seed,
        estimators=tuple(study.estimators),
        statistics=study.options.statistics,
        classes=study.options.task.keys,
    )


def rank_estimators(study: Study, wildcards: Any) -> RankingJob:
    """Return which metrics rank which estimators."""
    return RankingJob(
        metrics=tuple(study.chosen_metrics.values()),
        estimators=tuple(study.estimators),
        seed=study.options.seed,
        statistics=study.options.statistics,
    )
