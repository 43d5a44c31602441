"""Which estimators fail the metrics that judge each of them by itself."""

from __future__ import annotations

import pandas as pd

from ct_importance.report.names import display_name, metric_name
from ct_importance.report.sentences import VARIANT_WORDS, join

READING_OF_SANITY = (
    "Sanity: whether an estimator passes the tests that say of it by itself that it cannot be "
    "right; to pass is no merit."
)


def say_failures(ranks: pd.DataFrame) -> list[str]:
    """Return who fails, in a sentence per metric of sanity and variant.

    Args:
        ranks: Columns variant, metric, estimator and, if there is such a metric, verdict.
    """
    if "verdict" not in ranks:
        return []
    failing = ranks[ranks["verdict"] == "fails"]
    return [
        f"{metric_name(metric)}, {words}: {join(list(map(display_name, names)))} "
        f"{'fail' if len(names) > 1 else 'fails'}."
        for metric in dict.fromkeys(failing["metric"])
        for variant, words in VARIANT_WORDS.items()
        if len(
            names := failing["estimator"][
                (failing["metric"] == metric) & (failing["variant"] == variant)
            ]
        )
    ]
