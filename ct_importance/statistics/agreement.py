"""Do the metrics rank the estimators alike? Ranks and their agreement, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ct_importance.metrics.averaging import PatientSums, values_of_trainings
from ct_importance.metrics.metric import Metric
from ct_importance.statistics.comparisons import differing_pairs
from ct_importance.statistics.intervals import resample_patients, resample_trainings
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.together import judge_together, krippendorff_alpha

SumsByName = Mapping[str, Mapping[tuple[str, str], Sequence[PatientSums]]]
"""By metric, or by classifier; by estimator and variant: one per training of the classifier."""


@dataclass(frozen=True)
class Agreement:
    """How the metrics rank the estimators."""

    ranks: pd.DataFrame
    """Columns variant, metric, estimator, value, ``rank`` (1 is best; equal values share the mean
    of their ranks), ``rank_low`` and ``rank_high`` (the places that the tests leave it)."""
    taus: pd.DataFrame
    """Columns variant, first, second (metrics), ``tau`` (tau-b of their rankings), ``tau_low`` and
    ``tau_high``."""
    together: pd.DataFrame
    """See `ct_importance.statistics.together.judge_together`."""


def rank_by_metrics(
    metrics: Mapping[str, Metric],
    sums: SumsByName,
    comparisons: Mapping[str, pd.DataFrame],
    options: StatisticsOptions,
    seed: int,
) -> Agreement:
    """Return ranks and agreement of the metrics.

    The places that an estimator can have are those that the tests leave it: after all that were
    shown to be better, before all that were shown to be worse. They hold together, at the error
    rate of a metric's comparisons (Mogstad et al. 2024). Resamples would not do: of few patients,
    they repeat a rank that is chance.

    For tau, patients of all metrics are resampled together: a patient that two metrics know is
    drawn equally often for both. Its intervals are plain percentiles, since tau takes few values
    and has ends. Chance in the values moves tau towards 0, and in resamples once more: an
    interval above 0 shows agreement, but two metrics may agree more than it says. Several
    trainings are drawn, too, independently of the patients and the same ones for all metrics. Of
    few trainings, this is too narrow: there is no Student's t for a number that has ends.

    Args:
        metrics: Metrics by name.
        sums: Of each, see `ct_importance.statistics.estimates.read_sums`.
        comparisons: Of each, see `ct_importance.statistics.estimates.Estimates`.
        options: Section `statistics` of the configuration.
        seed: Seed of the run.
    """
    weights = joint_weights(sums, options.resamples, seed)
    trainings = len(next(iter(next(iter(sums.values())).values())))
    shares = resample_trainings(trainings, options.resamples, seed)
    error_rate = 1 - options.confidence
    merits: dict[tuple[str, str], list[np.ndarray]] = {}
    ranks = []
    for name, of_metric in sums.items():
        for variant in dict.fromkeys(variant for _, variant in of_metric):
            estimators = [estimator for estimator, other in of_metric if other == variant]
            of_variant = [of_metric[estimator, variant] for estimator in estimators]
            merits[name, variant] = merits_of(metrics[name], of_variant, weights[name], shares)
            exact = merits[name, variant][0][0]
            differing = differing_pairs(comparisons[name], variant, error_rate)
            low, high = _places(estimators, exact, differing)
            key = {"variant": variant, "metric": name, "estimator": estimators}
            places = {"rank": _ranks(exact), "rank_low": low, "rank_high": high}
            value = metrics[name].merit(np.where(np.isinf(exact), np.nan, exact))
            ranks.append(pd.DataFrame(key | {"value": value} | places))
    has_interval = all(of_metric.shape[1] > 1 for of_metric in weights.values())
    taus = _taus(merits, options.confidence, has_interval)
    ranked = pd.concat(ranks, ignore_index=True)
    alphas = _alphas(merits, options.confidence, has_interval)
    together = judge_together(ranked, alphas, list(comparisons.values()), error_rate)
    return Agreement(ranked, taus, together)


def merits_of(
    metric: Metric,
    sums: Sequence[Sequence[PatientSums]],
    weights: np.ndarray,
    shares: np.ndarray,
) -> list[np.ndarray]:
    """Return the merits of E estimators, means over their S trainings; minus infinity: undefined.

    Args:
        metric: A metric.
        sums: Of each estimator, by training.
        weights: (B, P) of patients.
        shares: (B, S) of trainings.

    Returns:
        Of all patients and trainings, (1, E), and of resamples, (B, E).
    """
    exact = [values_of_trainings(metric, of).mean(axis=0) for of in sums]
    resampled = [(values_of_trainings(metric, of, weights) * shares.T).sum(axis=0) for of in sums]
    return [ordered_merits(metric, np.stack(values, axis=1)) for values in (exact, resampled)]


def ordered_merits(metric: Metric, values: np.ndarray) -> np.ndarray:
    """Return merits that can be ranked: one that is undefined (NaN) is below all others."""
    # Equal values may differ in their last bits.
    merits = metric.merit(values.round(12))
    return np.where(np.isnan(merits), -np.inf, merits)


def _taus(
    merits: Mapping[tuple[str, str], list[np.ndarray]], confidence: float, has_interval: bool
) -> pd.DataFrame:
    rows = []
    for (first, variant), (second, other_variant) in combinations(merits, 2):
        if variant != other_variant:
            continue
        pair = merits[first, variant], merits[second, variant]
        rows.append([variant, first, second, *tau_of(*pair, confidence, has_interval)])
    columns = ["variant", "first", "second", "tau", "tau_low", "tau_high"]
    return pd.DataFrame(rows, columns=columns)


def tau_of(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], confidence: float, has_interval: bool
) -> tuple[float, float, float]:
    """Return Kendall's tau-b of two rankings, and the ends of its interval.

    Args:
        first: The merits by one metric, see `merits_of`.
        second: Those by another.
        confidence: E.g. 0.95.
        has_interval: Whether there is more than one patient to resample.
    """
    exact, resampled = (kendall_tau(*pair) for pair in zip(first, second, strict=True))
    low, high = percentiles(resampled if has_interval else resampled[:0], confidence)
    return float(exact[0]), low, high


def _alphas(
    merits: Mapping[tuple[str, str], list[np.ndarray]], confidence: float, has_interval: bool
) -> dict[str, tuple[float, float, float]]:
    """Return Krippendorff's alpha of all metrics with its interval, by variant."""
    found = {}
    for variant in dict.fromkeys(variant for _, variant in merits):
        of_variant = [it for (_, other), it in merits.items() if other == variant]
        exact, resampled = (
            krippendorff_alpha(np.stack(of_metrics, axis=1))
            for of_metrics in zip(*of_variant, strict=True)
        )
        ends = percentiles(resampled if has_interval else resampled[:0], confidence)
        found[variant] = (float(exact[0]), *ends)
    return found


def tau_between_trainings(values: pd.DataFrame) -> pd.DataFrame:
    """Return Kendall's tau of the rankings by each pair of trainings.

    Args:
        values: See `ct_importance.statistics.estimates.Estimates`, of several trainings.

    Returns:
        Columns variant, first, second (trainings, counted from 1), tau.
    """
    trainings = sum(name.startswith("value_training_") for name in values)
    rows = []
    for variant, of_variant in values.groupby("variant", sort=False):
        # Equal values may differ in their last bits.
        by_training = [
            of_variant[f"value_training_{number}"].to_numpy(float).round(12)
            for number in range(1, trainings + 1)
        ]
        for (first, one), (second, other) in combinations(enumerate(by_training, 1), 2):
            rows.append((variant, first, second, kendall_tau(one[None], other[None])[0]))
    return pd.DataFrame(rows, columns=["variant", "first", "second", "tau"])


def percentiles(resampled: np.ndarray, confidence: float) -> tuple[float, float]:
    """Return the interval of a number that takes few values, as a measure of agreement does.

    Args:
        resampled: (B,); NaN, in a resample in which all estimators are alike, is left out.
        confidence: E.g. 0.95.

    Returns:
        Its ends, which are values it takes; NaN if none is left.
    """
    there = resampled[~np.isnan(resampled)]
    if not there.size:
        return np.nan, np.nan
    levels = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(there, levels, method="inverted_cdf")
    return float(low), float(high)


def joint_weights(sums: SumsByName, resamples: int, seed: int) -> dict[str, np.ndarray]:
    """Return how often each patient is drawn when the patients of all are resampled together.

    Args:
        sums: By what has its own patients: a metric, or a classifier.
        resamples: B, how many.
        seed: Seed of the run.

    Returns:
        (B, P) of each, for its own P patients.
    """
    firsts = {name: next(iter(of_metric.values()))[0] for name, of_metric in sums.items()}
    patients = sorted(set().union(*(first.patients for first in firsts.values())))
    columns = {name: np.searchsorted(patients, first.patients) for name, first in firsts.items()}
    counts = []
    for name, first in firsts.items():
        of_metric = np.zeros((len(first.classes), len(patients)))
        of_metric[:, columns[name]] = first.counts
        counts.append(of_metric)
    weights = resample_patients(np.vstack(counts), resamples, seed)
    return {name: weights[:, of_metric] for name, of_metric in columns.items()}


def _ranks(merits: np.ndarray) -> np.ndarray:
    """Return ranks (E,) of merits (E,), 1 for the highest."""
    ranks: np.ndarray = pd.Series(-merits).rank().to_numpy()
    return ranks


def _places(
    names: Sequence[str], merits: np.ndarray, differing: set[frozenset[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last place (E,) that each name can have, if these pairs differ."""
    differs = np.array([[frozenset((a, b)) in differing for b in names] for a in names])
    better = merits[None] > merits[:, None]
    worse = merits[None] < merits[:, None]
    return 1 + (differs & better).sum(axis=1), len(names) - (differs & worse).sum(axis=1)


def kendall_tau(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return Kendall's tau-b of each row (Kendall 1945).

    Args:
        first: (B, E).
        second: (B, E).

    Returns:
        (B,), NaN where all values of a row are equal or there is only one.

    Example:
        >>> kendall_tau(np.array([[1, 2, 3]]), np.array([[1, 3, 2]])).round(2).tolist()
        [0.33]
    """
    one, other = np.triu_indices(first.shape[1], k=1)
    signs = [
        (values[:, one] > values[:, other]) - (values[:, one] < values[:, other]).astype(float)
        for values in (first, second)
    ]
    concordant = (signs[0] * signs[1]).sum(axis=1)
    untied = np.sqrt(np.prod([np.abs(sign).sum(axis=1) for sign in signs], axis=0))
    taus = np.full(len(first), np.nan)
    np.divide(concordant, untied, out=taus, where=untied > 0)
    return taus
