"""What metrics of sanity say of each estimator by itself, beside its ranks."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ct_importance.metrics.metric import Metric

KEYS = ["variant", "metric", "estimator"]


def with_verdicts(
    ranks: pd.DataFrame, metrics: Mapping[str, Metric], values: Mapping[str, pd.DataFrame]
) -> pd.DataFrame:
    """Return ranks with the column ``verdict``, if there is a metric of sanity.

    Args:
        ranks: See `ct_importance.statistics.agreement.Agreement`.
        metrics: By the name of the entry.
        values: The table of values of each of them that is one of sanity.

    Returns:
        In rows of these, ``passes`` or ``fails``, in others "".
    """
    if not values:
        return ranks
    verdicts = {
        (row["variant"], name, row["estimator"]): metrics[name].verdict(row)
        for name, table in values.items()
        for row in table.to_dict("records")
    }
    keys = zip(*(ranks[key] for key in KEYS), strict=True)
    return ranks.assign(verdict=[verdicts.get(key, "") for key in keys])


def sanity_of(ranks: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return ``passes`` or ``fails`` by variant and estimator; {} without a metric of sanity.

    Who fails one of several fails.
    """
    found: dict[tuple[str, str], str] = {}
    if "verdict" in ranks:
        judged = ranks[ranks["verdict"] != ""]
        for row in judged.sort_values("verdict", ascending=False).to_dict("records"):
            found[row["variant"], row["estimator"]] = row["verdict"]
    return found


def of_merit(ranks: pd.DataFrame) -> pd.DataFrame:
    """Return the ranks by metrics that are a merit: not of sanity, which noise passes best.

    All of them where there is no other metric.
    """
    if "verdict" not in ranks:
        return ranks
    others = ranks[ranks["verdict"] == ""]
    return ranks if others.empty else others


def pairs_of_merit(taus: pd.DataFrame, ranks: pd.DataFrame) -> pd.DataFrame:
    """Return how far such metrics agree.

    Args:
        taus: Columns first and second, metrics of `ranks`.
        ranks: See `with_verdicts`.
    """
    metrics = set(of_merit(ranks)["metric"])
    return taus[taus["first"].isin(metrics) & taus["second"].isin(metrics)]
