"""Which estimators fail the metrics that judge each of them by itself."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.names import display_name, metric_name
from ct_importance.report.sentences import VARIANT_WORDS, join

KEYS = ["variant", "estimator"]


def read_verdicts(metrics: Sequence[ChosenMetric], values: Sequence[StrPath]) -> pd.DataFrame:
    """Return what metrics of sanity say of each estimator.

    Args:
        metrics: All metrics of the run.
        values: The tables of values of those of sanity, in their order.

    Returns:
        A row per variant and estimator, no row if there is no such metric: columns ``variant``,
        ``estimator``, ``sanity`` (``passes``, or ``fails`` if it does by any of them) and
        ``failed`` (names of these).
    """
    judging = [one for one in metrics if one.metric.category == "sanity"]
    failed: dict[tuple[str, ...], list[str]] = {}
    for one, path in zip(judging, values, strict=True):
        for row in read_frame(path).to_dict("records"):
            names = failed.setdefault(tuple(row[key] for key in KEYS), [])
            if one.metric.verdict(row) == "fails":
                names.append(one.name)
    rows = [(*key, "fails" if names else "passes", names) for key, names in failed.items()]
    return pd.DataFrame(rows, columns=[*KEYS, "sanity", "failed"])


def with_verdicts(ranks: pd.DataFrame, verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return ranks with the column ``sanity``, where there is a metric of it."""
    if verdicts.empty:
        return ranks
    return ranks.merge(verdicts[[*KEYS, "sanity"]], on=KEYS, how="left")


def say_failures(verdicts: pd.DataFrame) -> list[str]:
    """Return who fails, in a sentence per metric and variant."""
    sentences = []
    for metric in dict.fromkeys(verdicts["failed"].explode().dropna()):
        for variant, words in VARIANT_WORDS.items():
            failing = [
                display_name(row.estimator)
                for row in verdicts.itertuples()
                if row.variant == variant and metric in row.failed
            ]
            if failing:
                sentences.append(f"{metric_name(metric)}, {words}: {join(failing)} fail.")
    return sentences
