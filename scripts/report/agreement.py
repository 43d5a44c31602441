"""Tables of ranks and of the agreement between rankings, as header and rows of text."""

from __future__ import annotations

import pandas as pd

from scripts.report.names import display_name, metric_name
from scripts.report.paper import compare_with_paper
from scripts.report.tables import fixed
from scripts.statistics.agreement import kendall_tau

Table = tuple[list[str], list[list[str]]]


def rank_table(ranks: pd.DataFrame, variant: str) -> Table:
    """Return the rank of each estimator by each metric, with its interval and the paper's rank.

    Args:
        ranks: Columns variant, metric, estimator, rank, rank_low, rank_high, value.
        variant: "original" or "absolute".
    """
    of_variant = ranks[ranks["variant"] == variant]
    metrics = list(dict.fromkeys(of_variant["metric"]))
    paper = compare_with_paper(of_variant).set_index(["metric", "estimator"])
    wide = of_variant.pivot(index="estimator", columns="metric", values="rank")
    order = wide.assign(mean=wide.mean(axis=1)).sort_values(["mean", "estimator"]).index
    cells = {(row.metric, row.estimator): row for row in of_variant.itertuples()}
    rows = [
        [
            display_name(estimator),
            *(_rank_cell(cells[metric, estimator], paper) for metric in metrics),
        ]
        for estimator in order
    ]
    return ["Estimator", *map(metric_name, metrics)], rows


def _rank_cell(row, paper: pd.DataFrame) -> str:
    text = f"{row.rank:g}"
    if not pd.isna(row.rank_low):
        text += f" [{row.rank_low:g}, {row.rank_high:g}]"
    if (row.metric, row.estimator) in paper.index:
        text += f" ({paper.paper_rank[row.metric, row.estimator]:g})"
    return text


def tau_table(taus: pd.DataFrame) -> Table:
    """Return Kendall's tau of each pair of metrics, with its interval."""
    rows = [
        [
            f"{metric_name(row.first)} and {metric_name(row.second)}",
            row.variant,
            _tau_cell(row),
        ]
        for row in taus.itertuples()
    ]
    return ["Metrics", "Values", "Kendall's tau"], rows


def _tau_cell(row) -> str:
    tau, low, high = (fixed(number, 2) for number in (row.tau, row.tau_low, row.tau_high))
    return tau if pd.isna(row.tau_low) else f"{tau} [{low}, {high}]"


def agreement_with_paper(ranks: pd.DataFrame) -> Table:
    """Return Kendall's tau of each metric's ranking and the paper's."""
    compared = compare_with_paper(ranks)
    rows = []
    for (variant, metric), group in compared.groupby(["variant", "metric"], sort=False):
        tau = kendall_tau(group["rank"].to_numpy()[None], group["paper_rank"].to_numpy()[None])
        rows.append([metric_name(metric), variant, str(len(group)), fixed(tau[0], 2)])
    return ["Metric", "Values", "Estimators", "Kendall's tau with the paper's ranking"], rows
