import numpy as np
import pandas as pd

from ct_importance.report.tables.together import group_table, say_together
from ct_importance.statistics.together import COLUMNS

TOGETHER = pd.DataFrame(
    [
        ("original", "smoothgrad", "a", 0.25, -0.5, 0.75),
        ("original", "random", "ab", 0.25, -0.5, 0.75),
        ("absolute", "random", "a", np.nan, np.nan, np.nan),
        ("absolute", "smoothgrad", "b", np.nan, np.nan, np.nan),
    ],
    columns=COLUMNS,
)


def test_alpha_is_said_where_there_is_one():
    (said,) = say_together(TOGETHER)
    assert said == (
        "By original values, Krippendorff's alpha of the ranks by all metrics is 0.25 "
        "[\N{MINUS SIGN}0.50, 0.75]: 1 where all rank alike, 0 where they agree as by chance."
    )


def test_letters_of_both_variants_stand_side_by_side():
    assert group_table(TOGETHER, ["random"]) == (
        ["Estimator", "Original values", "Absolute values"],
        [["SmoothGrad", "a", "b"], ["Random\N{DAGGER}", "ab", "a"]],
    )
