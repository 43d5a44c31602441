"""The numbers of Tables 1-3 of the paper (Brocki et al. 2022), to compare rankings with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ct_importance.statistics.agreement import kendall_tau

PAPER = {
    "fidelity": {
        "smoothgrad_squared": (6.2, 6.2),
        "smoothgrad": (3.4, 6.1),
        "integrated_gradients_bw": (0.0, 5.7),
        "expected_gradients": (3.6, 5.6),
        "backpropagation": (0.1, 4.9),
        "deconvolution": (2.6, 4.4),
        "integrated_gradients": (0.0, 4.2),
        "random": (0.0, 0.0),
    },
    "roc": {
        "smoothgrad_squared": (0.96, 0.96),
        "smoothgrad": (0.70, 0.92),
        "integrated_gradients_bw": (0.56, 0.91),
        "expected_gradients": (0.67, 0.87),
        "backpropagation": (0.62, 0.90),
        "deconvolution": (0.71, 0.81),
        "integrated_gradients": (0.53, 0.91),
    },
    "dice": {
        "smoothgrad_squared": (0.57, 0.57),
        "smoothgrad": (0.58, 0.55),
        "integrated_gradients_bw": (0.51, 0.64),
        "expected_gradients": (0.55, 0.42),
        "backpropagation": (0.54, 0.55),
        "deconvolution": (0.34, 0.47),
        "integrated_gradients": (0.36, 0.63),
        "random": (0.09, 0.09),
    },
}
"""By metric and estimator: value of the original and of the absolute map."""


def compare_with_paper(ranks: pd.DataFrame) -> pd.DataFrame:
    """Return ranks beside those of the paper, among the estimators that both have.

    Args:
        ranks: Columns variant, metric, estimator, value.

    Returns:
        Columns variant, metric, estimator, rank, paper_rank; 1 is best, equal values share the
        mean of their ranks.
    """
    rows = []
    for (variant, metric), group in ranks.groupby(["variant", "metric"], sort=False):
        known = PAPER.get(metric, {})
        both = group[group["estimator"].isin(known)]
        paper = [known[name][int(variant == "absolute")] for name in both["estimator"]]
        rows.append(
            pd.DataFrame(
                {
                    "variant": variant,
                    "metric": metric,
                    "estimator": both["estimator"],
                    "rank": both["value"].rank(ascending=False),
                    "paper_rank": pd.Series(paper, both.index).rank(ascending=False),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def tau_with_paper(ranks: pd.DataFrame) -> pd.DataFrame:
    """Return Kendall's tau of the rankings by each classifier and the paper's.

    Args:
        ranks: Columns classifier, variant, metric, estimator, value.

    Returns:
        Columns ``what`` ("paper"), metric, variant, first (the classifier), second (empty),
        ``estimators`` (how many both rank), value (tau), low and high (NaN).
    """
    rows = []
    for classifier, of_classifier in ranks.groupby("classifier", sort=False):
        both = compare_with_paper(of_classifier)
        for (variant, metric), group in both.groupby(["variant", "metric"], sort=False):
            mine, paper = (group[name].to_numpy()[None] for name in ("rank", "paper_rank"))
            rows.append(
                {
                    **{"what": "paper", "metric": metric, "variant": variant},
                    **{"first": classifier, "second": "", "estimators": len(group)},
                    **{"value": kendall_tau(mine, paper)[0], "low": np.nan, "high": np.nan},
                }
            )
    columns = ["what", "metric", "variant", "first", "second", "estimators", "value"]
    return pd.DataFrame(rows, columns=[*columns, "low", "high"])
