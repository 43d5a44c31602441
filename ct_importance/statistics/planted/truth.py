"""What maps show of a sign, and which metric ranks the estimators as that truth does.

A map need only show what the classifier uses. So what maps show of a sign is judged on those slices
alone whose answer flips when the sign is taken away, in every training.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ct_importance.metrics.averaging import PatientSums
from ct_importance.metrics.metric import Metric
from ct_importance.statistics.agreement import (
    joint_weights,
    merits_of,
    tau_of,
)
from ct_importance.statistics.estimates import estimate_values
from ct_importance.statistics.intervals import resample_trainings
from ct_importance.statistics.options import StatisticsOptions

TRUTH_COLUMNS = [
    *("metric", "variant", "estimator", "value", "value_low", "value_high"),
    *("chance", "letters", "patients", "slices"),
]
KNEW_COLUMNS = ["truth", "metric", "variant", "estimators", "tau", "tau_low", "tau_high"]

SumsOfMetric = Mapping[tuple[str, str], Sequence[PatientSums]]
"""By estimator and variant, one per training (`ct_importance.statistics.estimates.read_sums`)."""


def truth_of(
    metrics: Mapping[str, Metric],
    sums: Mapping[str, SumsOfMetric],
    options: StatisticsOptions,
    seed: int,
) -> pd.DataFrame:
    """Return what maps show of a sign, by metrics against its mask.

    Args:
        metrics: By name, those that are computed on slices with a sign.
        sums: Of each, on slices whose answer flips; {} where there are none.
        options: Section `statistics` of the configuration.
        seed: Seed of the run.

    Returns:
        `TRUTH_COLUMNS`: ``value`` with its interval, the ``chance`` of a
        random map (NaN if it is not known), ``letters``.
    """
    tables = []
    for name, of_metric in sums.items():
        values = estimate_values(metrics[name], of_metric, options, seed).values
        if "chance" not in values:
            chance = metrics[name].chance
            values = values.assign(chance=np.nan if chance is None else chance)
        tables.append(values.assign(metric=name))
    if not tables:
        return pd.DataFrame(columns=TRUTH_COLUMNS)
    found: pd.DataFrame = pd.concat(tables, ignore_index=True)[TRUTH_COLUMNS]
    return found


def knowing(
    metrics: Mapping[str, Metric],
    truth: Mapping[str, SumsOfMetric],
    others: Mapping[str, SumsOfMetric],
    controls: Collection[str],
    options: StatisticsOptions,
    seed: int,
) -> pd.DataFrame:
    """Return how far each metric ranks the estimators as the truth does (Kendall's tau-b).

    Controls are left out: a metric that puts them last, where they belong, knows no more of the
    others. Patients of all metrics are resampled together, and trainings, as for the agreement of
    metrics (`ct_importance.statistics.agreement.rank_by_metrics`), whose intervals are read alike.

    Args:
        metrics: By name.
        truth: Of the metrics against the mask of the sign, on slices whose answer flips.
        others: Of all other metrics, on the slices that they are computed on.
        controls: Estimators that know nothing of the classifier.
        options: Section `statistics` of the configuration.
        seed: Seed of the run.
    """
    sums = {**truth, **others}
    if not truth or not others:
        return pd.DataFrame(columns=KNEW_COLUMNS)
    weights = joint_weights(sums, options.resamples, seed)
    rows = list(_taus(metrics, truth, others, controls, weights, options, seed))
    return pd.DataFrame(rows, columns=KNEW_COLUMNS)


def _taus(
    metrics: Mapping[str, Metric],
    truth: Mapping[str, SumsOfMetric],
    others: Mapping[str, SumsOfMetric],
    controls: Collection[str],
    weights: Mapping[str, np.ndarray],
    options: StatisticsOptions,
    seed: int,
) -> Iterator[tuple[Any, ...]]:
    """Yield rows of `KNEW_COLUMNS`."""
    sums = {**truth, **others}
    any_sums = next(iter(truth.values()))
    shares = resample_trainings(len(next(iter(any_sums.values()))), options.resamples, seed)
    has_interval = all(of.shape[1] > 1 for of in weights.values())
    for variant in dict.fromkeys(variant for _, variant in any_sums):
        ranked = [{name for name, other in of if other == variant} for of in sums.values()]
        common = sorted(set.intersection(*ranked) - set(controls))
        if len(common) < 2:
            continue
        merits = {
            name: merits_of(
                metrics[name], [of[it, variant] for it in common], weights[name], shares
            )
            for name, of in sums.items()
        }
        for first in truth:
            for second in others:
                pair = merits[first], merits[second]
                numbers = tau_of(*pair, options.confidence, has_interval)
                yield (first, second, variant, len(common), *numbers)
