"""Sentences that say in words what ranks and agreement say in numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from scripts.report.names import display_name, metric_name
from scripts.report.tables import fixed

VARIANT_WORDS = {"original": "original values", "absolute": "absolute values"}
MOST = 2
"""Estimators named at most, of those the metrics disagree on."""


def ordinal(rank: float, count: int) -> str:
    """Return a rank in words: 1st, 2nd, 2nd to 3rd (shared), ..., last.

    Args:
        rank: 1 is best; a half if two estimators share it.
        count: Number of estimators.
    """
    if rank == count > 1:
        return "last"
    if rank % 1:
        return f"{ordinal(rank // 1, count + 1)} to {ordinal(rank // 1 + 1, count + 1)}"
    number = int(rank)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def join(parts: Sequence[str]) -> str:
    """Return parts joined by commas and a last "and"."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last


def say_disagreement(ranks: pd.DataFrame, variant: str) -> list[str]:
    """Return which estimator is first, and of which ones the metrics think most differently.

    Args:
        ranks: Columns variant, metric, estimator, rank.
        variant: "original" or "absolute".
    """
    of_variant = ranks[ranks["variant"] == variant]
    wide = of_variant.pivot(index="estimator", columns="metric", values="rank")
    wide = wide[list(dict.fromkeys(of_variant["metric"]))]
    count, words = len(wide), VARIANT_WORDS[variant]
    if count < 2 or wide.shape[1] < 2:
        return []
    firsts = {metric: wide.index[wide[metric] == wide[metric].min()] for metric in wide}
    always = set.intersection(*map(set, firsts.values()))
    if always:
        names = join(sorted(map(display_name, always)))
        sentences = [f"By {words}, {names} ranks first for every metric."]
    else:
        metrics_of: dict[str, list[str]] = {}
        for metric, names in firsts.items():
            metrics_of.setdefault(join(list(map(display_name, names))), []).append(metric)
        parts = [
            f"{names} for {join(list(map(metric_name, m)))}" for names, m in metrics_of.items()
        ]
        sentences = [
            f"By {words}, no estimator is best for every metric: first are {'; '.join(parts)}."
        ]
    spread = wide.max(axis=1) - wide.min(axis=1)
    for estimator in spread.sort_values(ascending=False, kind="stable").index[:MOST]:
        # One place up or down is little to speak of.
        if spread[estimator] < 2:
            break
        row = wide.loc[estimator]
        best, worst = row.idxmin(), row.idxmax()
        sentences.append(
            f"By {words}, {display_name(estimator)} ranks {ordinal(row[best], count)} for "
            f"{metric_name(best)} but {ordinal(row[worst], count)} for {metric_name(worst)}, "
            f"of {count} estimators."
        )
    return sentences


def say_taus(taus: pd.DataFrame, variant: str) -> list[str]:
    """Return how far each pair of metrics agrees.

    Args:
        taus: Columns variant, first, second, tau, tau_low, tau_high.
        variant: "original" or "absolute".
    """
    sentences = []
    for row in taus[taus["variant"] == variant].dropna(subset="tau").itertuples():
        ends = ""
        if not pd.isna(row.tau_low):
            ends = f", interval {fixed(row.tau_low, 2)} to {fixed(row.tau_high, 2)}"
        sentences.append(
            f"By {VARIANT_WORDS[variant]}, {metric_name(row.first)} and {metric_name(row.second)} "
            f"{_alike(row.tau)} (Kendall's tau {fixed(row.tau, 2)}{ends})."
        )
    return sentences


def _alike(tau: float) -> str:
    if tau >= 0.8:
        return "rank the estimators much alike"
    if tau >= 0.5:
        return "rank the estimators partly alike"
    return "rank the estimators differently" if tau > -0.5 else "rank the estimators the other way"
