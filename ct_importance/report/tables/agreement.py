"""Tables of ranks and of the agreement between rankings, as header and rows of text."""

from __future__ import annotations

import pandas as pd

from ct_importance.report.names import display_name, metric_name
from ct_importance.report.tables.formats import fixed
from ct_importance.report.tables.paper import compare_with_paper
from ct_importance.statistics.agreement import kendall_tau

Table = tuple[list[str], list[list[str]]]


def rank_table(ranks: pd.DataFrame, variant: str) -> Table:
    """Return the rank of each estimator by each metric, with the places that the tests leave it.

    Args:
        ranks: Columns variant, metric, estimator, rank, rank_low, rank_high.
        variant: "original" or "absolute".
    """
    of_variant = ranks[ranks["variant"] == variant]
    texts = [
        f"{rank:g} [{low:g}, {high:g}]"
        for rank, low, high in zip(
            of_variant["rank"], of_variant["rank_low"], of_variant["rank_high"], strict=True
        )
    ]
    return _by_estimator(of_variant.assign(text=texts))


def paper_rank_table(ranks: pd.DataFrame, variant: str) -> Table:
    """Return the rank of each estimator here and in the paper, among those that both rank.

    Args:
        ranks: Columns variant, metric, estimator, value.
        variant: "original" or "absolute".
    """
    both = compare_with_paper(ranks[ranks["variant"] == variant])
    texts = [
        f"{rank:g} / {paper:g}"
        for rank, paper in zip(both["rank"], both["paper_rank"], strict=True)
    ]
    return _by_estimator(both.assign(text=texts))


def _by_estimator(ranks: pd.DataFrame) -> Table:
    """Return a row per estimator, lowest mean rank first, and a column of texts per metric."""
    metrics = list(dict.fromkeys(ranks["metric"]))
    # Of equal means the first name comes first.
    order = ranks.groupby("estimator")["rank"].mean().sort_values(kind="stable").index
    texts = ranks.pivot(index="estimator", columns="metric", values="text").fillna("–")
    rows = [[display_name(estimator), *texts.loc[estimator, metrics]] for estimator in order]
    return ["Estimator", *map(metric_name, metrics)], rows


def tau_table(taus: pd.DataFrame) -> Table:
    """Return Kendall's tau of each pair of metrics, with its interval."""
    rows = [
        [
            f"{metric_name(row.first)} and {metric_name(row.second)}",
            row.variant,
            _with_interval(row.tau, row.tau_low, row.tau_high),
        ]
        for row in taus.itertuples()
    ]
    return ["Metrics", "Values", "Kendall's tau"], rows


def _with_interval(tau: float, low: float, high: float) -> str:
    text = fixed(tau, 2)
    return text if pd.isna(low) else f"{text} [{fixed(low, 2)}, {fixed(high, 2)}]"


def agreement_with_paper(ranks: pd.DataFrame) -> Table:
    """Return Kendall's tau of each metric's ranking and the paper's."""
    compared = compare_with_paper(ranks)
    rows = []
    for (variant, metric), group in compared.groupby(["variant", "metric"], sort=False):
        tau = kendall_tau(group["rank"].to_numpy()[None], group["paper_rank"].to_numpy()[None])
        rows.append([metric_name(metric), variant, str(len(group)), fixed(tau[0], 2)])
    return ["Metric", "Values", "Estimators", "Kendall's tau with the paper's ranking"], rows
