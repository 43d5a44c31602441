"""Do classifiers rank the estimators alike? The agreement of their rankings by one metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
import pandas as pd

from ct_importance.compute.randomness import seed_for
from ct_importance.metrics.averaging import values_of_trainings
from ct_importance.metrics.metric import Metric
from ct_importance.statistics.agreement import (
    SumsByName,
    joint_weights,
    kendall_tau,
    merits_of,
    ordered_merits,
    percentiles,
)
from ct_importance.statistics.intervals import resample_trainings
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.together import rising_ranks

COLUMNS = ["what", "variant", "first", "second", "estimators", "value", "low", "high"]


@dataclass(frozen=True)
class Ranking:
    """The merits of E estimators by one classifier, the highest the best."""

    exact: np.ndarray
    """(1, E), means over its S trainings."""
    resampled: np.ndarray
    """(B, E), of resamples of patients and trainings."""
    by_training: np.ndarray
    """(S, E)."""


def agreement_of_classifiers(
    metric: Metric, sums: SumsByName, options: StatisticsOptions, seed: int
) -> pd.DataFrame:
    """Return how far classifiers agree on the estimators that all of them rank.

    The patients of all classifiers are resampled together: they are the same. The trainings of each
    are drawn for it alone: none belongs to one of another. Intervals are read as those of
    `ct_importance.statistics.agreement.rank_by_metrics`.

    Values are means over trainings, so that two classifiers can agree better than two trainings of
    one of them do. What compares with these are rankings by one training of each.

    Args:
        metric: A metric.
        sums: Of each classifier, see `ct_importance.statistics.estimates.read_sums`.
        options: Section `statistics` of the configuration.
        seed: Seed of the run.

    Returns:
        A row per variant and, by ``what``, "classifiers": Kendall's tau-b of ``first`` and
        ``second``; "trainings": mean tau-b of one training of each, or of two of the same, without
        interval, where there are several; "all": Kendall's W of three classifiers or more. Columns
        `COLUMNS`: ``estimators`` is how many there are.
    """
    weights = joint_weights(sums, options.resamples, seed)
    rows = []
    for variant in dict.fromkeys(variant for of in sums.values() for _, variant in of):
        ranked = [{name for name, other in of if other == variant} for of in sums.values()]
        common = sorted(set.intersection(*ranked))
        rankings = {}
        for classifier, of in sums.items() if common else ():
            of_common = [of[name, variant] for name in common]
            trainings = len(of_common[0])
            shares = resample_trainings(trainings, options.resamples, seed_for(seed, classifier))
            exact, resampled = merits_of(metric, of_common, weights[classifier], shares)
            values = np.hstack([values_of_trainings(metric, it) for it in of_common])
            # Of a single patient, all resamples are the same.
            has_interval = weights[classifier].shape[1] > 1
            rankings[classifier] = Ranking(
                exact=exact,
                resampled=resampled if has_interval else np.full_like(resampled, np.nan),
                by_training=ordered_merits(metric, values),
            )
        for row in _agreement(rankings, options.confidence):
            rows.append(row | {"variant": variant, "estimators": len(common)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _agreement(rankings: Mapping[str, Ranking], confidence: float) -> Iterator[dict[str, Any]]:
    for first, second in combinations(rankings, 2):
        one, other = rankings[first], rankings[second]
        low, high = percentiles(kendall_tau(one.resampled, other.resampled), confidence)
        tau = float(kendall_tau(one.exact, other.exact)[0])
        key = {"what": "classifiers", "first": first, "second": second}
        yield key | {"value": tau, "low": low, "high": high}
    for first, second in combinations_with_replacement(rankings, 2):
        taus = _taus_of_trainings(rankings[first], rankings[second], first == second)
        if taus:
            key = {"what": "trainings", "first": first, "second": second}
            yield key | {"value": float(np.mean(taus)), "low": np.nan, "high": np.nan}
    if len(rankings) > 2:
        exact, resampled = (
            kendall_w(np.stack([getattr(it, name) for it in rankings.values()], axis=1))
            for name in ("exact", "resampled")
        )
        low, high = percentiles(resampled, confidence)
        key = {"what": "all", "first": "", "second": ""}
        yield key | {"value": float(exact[0]), "low": low, "high": high}


def _taus_of_trainings(one: Ranking, other: Ranking, same: bool) -> list[float]:
    """Return tau of each pair of trainings; none where values are no means over trainings."""
    pairs = [
        (first, second)
        for place, first in enumerate(one.by_training)
        for second in (one.by_training[place + 1 :] if same else other.by_training)
    ]
    if len(one.by_training) * len(other.by_training) == 1:
        return []
    return [float(kendall_tau(first[None], second[None])[0]) for first, second in pairs]


def kendall_w(merits: np.ndarray) -> np.ndarray:
    """Return Kendall's W, the concordance of M rankings, corrected for ties (Kendall 1945).

    It is 1 where all rank alike. Of rankings that have nothing in common it is 1 / M on average.

    Args:
        merits: (B, M, E), the highest the best.

    Returns:
        (B,), NaN where a ranking has all estimators alike, or only one.

    Example:
        >>> kendall_w(np.array([[[1, 2, 3], [1, 2, 3], [3, 2, 1]]])).round(2).tolist()
        [0.11]
    """
    resamples, rankings, _ = merits.shape
    ranks = rising_ranks(merits)
    deviations = ranks - ranks.mean(axis=2, keepdims=True)
    spread = (deviations**2).sum(axis=2)
    together = (deviations.sum(axis=1) ** 2).sum(axis=1)
    found = np.full(resamples, np.nan)
    np.divide(together, rankings * spread.sum(axis=1), out=found, where=(spread > 0).all(axis=1))
    return found


def chance_tau(estimators: int, level: float = 0.05) -> float:
    """Return the tau that two unrelated rankings reach, either way, in so many cases at most.

    From the distribution of the number of pairs in another order, without ties (Kendall 1938).

    Args:
        estimators: E, of which each ranking has all.
        level: Share of the cases.

    Returns:
        The least such tau; NaN if even the same ranking is that probable.

    Example:
        >>> round(chance_tau(8), 3)
        0.643
    """
    counts = np.ones(1)
    for place in range(2, estimators + 1):
        counts = np.convolve(counts, np.full(place, 1 / place))
    pairs = len(counts) - 1
    beyond = 2 * counts.cumsum()
    rare = np.flatnonzero(beyond <= level)
    return float(1 - 2 * rare[-1] / pairs) if rare.size else float("nan")
