"""What all metrics say together: how far they agree, and whom none of them tells apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ct_importance.statistics.comparisons import differing_pairs, letters
from ct_importance.statistics.verdicts import of_merit

COLUMNS = ["variant", "estimator", "group", "alpha", "alpha_low", "alpha_high"]


def by_mean_rank(ranks: pd.DataFrame) -> list[str]:
    """Return the estimators of some rankings, lowest mean rank first; of equal means by name.

    Tests of sanity do not count, where there are others.

    Args:
        ranks: Columns estimator, rank and, of a run with tests of sanity, verdict.
    """
    return list(
        of_merit(ranks).groupby("estimator")["rank"].mean().sort_values(kind="stable").index
    )


def rising_ranks(merits: np.ndarray) -> np.ndarray:
    """Return ranks (B, M, E) of merits (B, M, E), 1 for the lowest; equal ones share the mean."""
    ranks: np.ndarray = pd.DataFrame(merits.reshape(-1, merits.shape[-1])).rank(axis=1).to_numpy()
    return ranks.reshape(merits.shape)


def krippendorff_alpha(merits: np.ndarray) -> np.ndarray:
    """Return Krippendorff's alpha of M rankings (Krippendorff 2011), of ranks as intervals.

    It is 1 where all rank alike and 0 where ranks agree as values dealt out at random do; below
    that they contradict each other.

    Args:
        merits: (B, M, E), the highest the best; equal ones share the mean of their ranks.

    Returns:
        (B,), NaN where there is one ranking, or every rank is the same.

    Example:
        >>> krippendorff_alpha(np.array([[[1, 2, 3], [1, 2, 3]], [[1, 2, 3], [3, 2, 1]]])).round(2)
        array([ 1.  , -0.67])
    """
    resamples, rankings, estimators = merits.shape
    ranks = rising_ranks(merits)
    # Of squared differences of all pairs: those of one estimator, and those of any.
    within = rankings * ranks.var(axis=1).sum(axis=1) / max(1, rankings - 1)
    values = ranks.reshape(resamples, -1)
    between = values.shape[1] * values.var(axis=1) / (values.shape[1] - 1)
    ratio = np.full(resamples, np.nan)
    is_defined = (between > 0) & (rankings > 1)
    np.divide(within / estimators, between, out=ratio, where=is_defined)
    return 1 - ratio


def groups_of_all(
    order: Sequence[str], variant: str, comparisons: Sequence[pd.DataFrame], error_rate: float
) -> dict[str, str]:
    """Return letters of which those share one that no metric tells apart.

    A pair is told apart if the test of any metric does so. The error rate holds for all metrics
    together (Bonferroni).

    Args:
        order: Estimators, best first.
        variant: "original" or "absolute".
        comparisons: Of each metric, see `ct_importance.statistics.estimates.Estimates`.
        error_rate: E.g. 0.05.
    """
    of_each = error_rate / len(comparisons)
    differing = [differing_pairs(table, variant, of_each) for table in comparisons]
    return letters(order, set().union(*differing))


def judge_together(
    ranks: pd.DataFrame,
    alphas: Mapping[str, tuple[float, float, float]],
    comparisons: Sequence[pd.DataFrame],
    error_rate: float,
) -> pd.DataFrame:
    """Return a row per variant and estimator, the lowest mean rank first.

    Args:
        ranks: See `ct_importance.statistics.agreement.Agreement`.
        alphas: `krippendorff_alpha` of each variant, with its interval.
        comparisons: See `groups_of_all`.
        error_rate: Likewise.

    Returns:
        Columns `COLUMNS`: ``group`` has the letters of `groups_of_all`.
    """
    rows = []
    for variant, alpha in alphas.items():
        order = by_mean_rank(ranks[ranks["variant"] == variant])
        found = groups_of_all(order, variant, comparisons, error_rate)
        rows += [(variant, name, found[name], *alpha) for name in order]
    return pd.DataFrame(rows, columns=COLUMNS)
