"""Which ranks survive another fill: entries of one metric that differ in nothing but what masks."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import pandas as pd

from ct_importance.metrics.filling import filling_of
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.names import display_name, marked_name
from ct_importance.report.sentences import VARIANT_WORDS, join, wide_ranks
from ct_importance.report.tables.formats import Table, fixed
from ct_importance.statistics.together import by_mean_rank

Group = dict[str, str]
"""Titles of fills, by the names of the entries that have them."""


def over_fills(metrics: Sequence[ChosenMetric]) -> dict[str, Group]:
    """Return the entries that differ in their fill alone, by the title of their metric.

    Args:
        metrics: All entries.
    """
    alike: dict[str, list[ChosenMetric]] = {}
    for one in metrics:
        if "fill" in one.options:
            others = {key: value for key, value in one.options.items() if key != "fill"}
            key = json.dumps([one.method, others], sort_keys=True)
            alike.setdefault(key, []).append(one)
    found: dict[str, Group] = {}
    for group in alike.values():
        if len(group) > 1:
            titles = {one.name: filling_of(one.options["fill"]).title for one in group}
            if len({*titles.values()}) < len(titles):
                titles = {name: f"{title} ({name})" for name, title in titles.items()}
            # Entries may differ in a fill, and others of the same metric in another key besides.
            metric = group[0].metric.title
            found[f"{metric} ({group[0].name})" if metric in found else metric] = titles
    return found


def fill_tables(
    ranks: pd.DataFrame, groups: dict[str, Group], controls: Collection[str]
) -> dict[str, Table]:
    """Return by its title the table of each metric and variant that has several fills.

    Args:
        ranks: Columns variant, metric, estimator, rank, rank_low, rank_high.
        groups: See `over_fills`.
        controls: Estimators that are marked as such.
    """
    return {
        f"{metric}: ranks over fills, {words}": _table(
            ranks[ranks["variant"] == variant], group, controls
        )
        for metric, group in groups.items()
        for variant, words in VARIANT_WORDS.items()
    }


def _table(ranks: pd.DataFrame, group: Group, controls: Collection[str]) -> Table:
    """Return the rank of each estimator by each fill, and the places that all fills leave it."""
    wide, low, high = wide_ranks(ranks, group)
    first, last = low.max(axis=1), high.min(axis=1)
    rows = [
        [
            marked_name(name, controls),
            *(f"{rank:g}" for rank in wide.loc[name]),
            _places(first[name], last[name]),
        ]
        for name in by_mean_rank(ranks[ranks["metric"].isin(group)])
    ]
    return ["Estimator", *group.values(), "Places that the tests leave by every fill"], rows


def _places(first: float, last: float) -> str:
    if first > last:
        return "none"
    return f"{first:g}" if first == last else f"{first:g} to {last:g}"


def say_fills(
    ranks: pd.DataFrame, taus: pd.DataFrame, groups: dict[str, Group], variant: str
) -> list[str]:
    """Return how far rankings by several fills agree, and which ranks do not survive another.

    Args:
        ranks: Columns variant, metric, estimator, rank, rank_low, rank_high.
        taus: Columns variant, first, second, tau.
        groups: See `over_fills`.
        variant: "original" or "absolute".
    """
    sentences = []
    for metric, group in groups.items():
        pairs = taus[taus["first"].isin(group) & taus["second"].isin(group)]
        found = pairs.loc[pairs["variant"] == variant, "tau"].dropna()
        if found.empty:
            continue
        _, low, high = wide_ranks(ranks[ranks["variant"] == variant], group)
        gone = low.index[low.max(axis=1) > high.min(axis=1)]
        names = join([display_name(name) for name in gone]) if len(gone) else ""
        span = " to ".join(dict.fromkeys(fixed(tau, 2) for tau in (found.min(), found.max())))
        sentences.append(
            f"By {VARIANT_WORDS[variant]}, rankings of {metric} by {len(group)} fills agree with "
            f"Kendall's tau of {span}; "
            + (
                f"no place of {names} survives every fill."
                if names
                else "every estimator has a place that survives every fill, as far as tests tell."
            )
        )
    return sentences
