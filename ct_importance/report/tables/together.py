"""What all metrics say together: how far they agree, and whom none of them tells apart."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from ct_importance.report.names import marked_name
from ct_importance.report.sentences import VARIANT_WORDS
from ct_importance.report.tables.formats import Table, fixed, with_interval

GROUPS = "Estimators that share a letter could not be told apart by any metric"
"""Title of the table of groups."""


def say_together(together: pd.DataFrame) -> list[str]:
    """Return Krippendorff's alpha of all metrics, in a sentence per variant.

    Args:
        together: See `ct_importance.statistics.together.judge_together`.
    """
    return [
        f"By {VARIANT_WORDS[row.variant]}, Krippendorff's alpha of the ranks by all metrics is "
        f"{with_interval(row.alpha, row.alpha_low, row.alpha_high, 2)}: 1 where all rank alike, "
        f"{fixed(0, 0)} where they agree as by chance."
        for row in together.drop_duplicates("variant").dropna(subset="alpha").itertuples()
    ]


def group_table(together: pd.DataFrame, controls: Collection[str]) -> Table:
    """Return the letters of each estimator, those with the lowest mean rank first.

    Args:
        together: As in `say_together`.
        controls: Estimators that are marked as such.
    """
    wide = together.pivot(index="estimator", columns="variant", values="group").fillna("–")
    variants = [it for it in VARIANT_WORDS if it in wide]
    order = dict.fromkeys(together["estimator"])
    rows = [[marked_name(name, controls), *wide.loc[name, variants]] for name in order]
    return ["Estimator", *(VARIANT_WORDS[it].capitalize() for it in variants)], rows
