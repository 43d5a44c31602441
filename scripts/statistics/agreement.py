"""Do the metrics rank the estimators alike? Ranks and their agreement, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from scripts.metrics.averaging import PatientSums, mean_curves
from scripts.metrics.contract import Metric
from scripts.statistics.intervals import resample_patients
from scripts.statistics.options import StatisticsOptions

SumsByMetric = Mapping[str, Mapping[tuple[str, str], PatientSums]]
"""By metric, by estimator and variant."""


@dataclass(frozen=True)
class Agreement:
    """How the metrics rank the estimators."""

    ranks: pd.DataFrame
    """Columns variant, metric, estimator, value, ``rank`` (1 is best; equal values share the mean
    of their ranks), ``rank_low`` and ``rank_high``."""
    taus: pd.DataFrame
    """Columns variant, first, second (metrics), ``tau`` (tau-b of their rankings), ``tau_low`` and
    ``tau_high``."""


def rank_by_metrics(
    metrics: Mapping[str, Metric],
    sums: SumsByMetric,
    options: StatisticsOptions,
    seed: int,
) -> Agreement:
    """Return ranks and agreement of the metrics.

    Patients of all metrics are resampled together: a patient that two metrics know is drawn equally
    often for both. Intervals are plain percentiles, since ranks and tau take few values and have
    ends; the noise of resamples moves both towards the middle, so that they are rather too wide.

    Args:
        metrics: Metric modules by name.
        sums: Of each, see `scripts.statistics.evaluation.read_sums`.
        options: Section `statistics` of the configuration.
        seed: Seed of the run.
    """
    weights = _joint_weights(sums, options.resamples, seed)
    estimators = {
        (name, variant): [key[0] for key in of_metric if key[1] == variant]
        for name, of_metric in sums.items()
        for variant in dict.fromkeys(variant for _, variant in of_metric)
    }
    values = {}
    for (name, variant), these in estimators.items():
        of_keys = [
            [
                metrics[name].summarise(mean_curves(metrics[name], sums[name][key], of_patients))[
                    "value"
                ]
                for of_patients in (None, weights[name])
            ]
            for key in ((estimator, variant) for estimator in these)
        ]
        # Equal values may differ in their last bits.
        values[name, variant] = [
            np.stack(part, axis=1).round(12) for part in zip(*of_keys, strict=True)
        ]
    ends = _Ends(options.confidence, has_interval=all(w.shape[1] > 1 for w in weights.values()))
    ranks = [
        pd.DataFrame(
            {
                "variant": variant,
                "metric": name,
                "estimator": estimators[name, variant],
                "value": exact[0],
                "rank": _ranks(exact)[0],
            }
            | ends.columns("rank", _ranks(resampled))
        )
        for (name, variant), (exact, resampled) in values.items()
    ]
    return Agreement(pd.concat(ranks, ignore_index=True), _taus(values, ends))


def _taus(values: Mapping[tuple[str, str], list[np.ndarray]], ends: _Ends) -> pd.DataFrame:
    rows = []
    for (first, variant), (second, other_variant) in combinations(values, 2):
        if variant != other_variant:
            continue
        exact, resampled = (
            kendall_tau(one, other)
            for one, other in zip(values[first, variant], values[second, variant], strict=True)
        )
        row = {"variant": variant, "first": first, "second": second, "tau": exact[0]}
        rows.append(row | ends.columns("tau", resampled[:, None]))
    frames = [pd.DataFrame(row) for row in rows]
    columns = ["variant", "first", "second", "tau", "tau_low", "tau_high"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
class _Ends:
    """Percentile intervals of discrete numbers: an end is one of the numbers.

    Resamples without a value (a tau of a metric that ranks all estimators alike) are left out.
    """

    confidence: float
    has_interval: bool

    def columns(self, name: str, replicates: np.ndarray) -> dict[str, np.ndarray]:
        levels = [(1 - self.confidence) / 2, (1 + self.confidence) / 2]
        low, high = np.full((2, *replicates.shape[1:]), np.nan)
        there = ~np.isnan(replicates).any(axis=tuple(range(1, replicates.ndim)))
        if self.has_interval and there.any():
            low, high = np.quantile(replicates[there], levels, axis=0, method="inverted_cdf")
        return {f"{name}_low": low, f"{name}_high": high}


def _joint_weights(sums: SumsByMetric, resamples: int, seed: int) -> dict[str, np.ndarray]:
    """Return how often each metric's patients are drawn when the patients of all are resampled."""
    firsts = {name: next(iter(of_metric.values())) for name, of_metric in sums.items()}
    patients = sorted(set().union(*(first.patients for first in firsts.values())))
    columns = {name: np.searchsorted(patients, first.patients) for name, first in firsts.items()}
    counts = []
    for name, first in firsts.items():
        of_metric = np.zeros((len(first.classes), len(patients)))
        of_metric[:, columns[name]] = first.counts
        counts.append(of_metric)
    weights = resample_patients(np.vstack(counts), resamples, seed)
    return {name: weights[:, of_metric] for name, of_metric in columns.items()}


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks (B, E) of values (B, E), 1 for the highest."""
    return pd.DataFrame(-values).rank(axis=1).to_numpy()


def kendall_tau(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Kendall's tau-b of each row (Kendall 1945).

    Args:
        first: (B, E).
        second: (B, E).

    Returns:
        (B,), NaN where all values of a row are equal or there is only one.
    """
    one, other = np.triu_indices(first.shape[1], k=1)
    signs = [np.sign(values[:, one] - values[:, other]) for values in (first, second)]
    concordant = (signs[0] * signs[1]).sum(axis=1)
    untied = np.sqrt(np.prod([np.abs(sign).sum(axis=1) for sign in signs], axis=0))
    return np.divide(concordant, untied, out=np.full(len(first), np.nan), where=untied > 0)
