"""What a reader must know about intervals and comparisons."""

from __future__ import annotations

from scripts.statistics.options import StatisticsOptions


def percent(share: float) -> str:
    """Return a share as percent, with as many digits as it needs."""
    return f"{100 * share:.3g} %"


def reading_of_intervals(options: StatisticsOptions) -> str:
    """Return what the brackets and letters of a table mean."""
    return (
        f"Brackets: {percent(options.confidence)} intervals from {options.resamples} resamples of "
        "the patients. Within a column, estimators that share a letter could not be shown to "
        "differ (paired permutation test by patient, Holm-corrected, family-wise error rate "
        f"{percent(1 - options.confidence)})."
    )


def few_patients(patients: int, estimators: int, options: StatisticsOptions) -> list[str]:
    """Return a note if there are so few patients that no difference can ever be shown.

    Args:
        patients: How many the values are computed on.
        estimators: How many are compared, each with each.
        options: Section `statistics` of the configuration.
    """
    permutations = 2**patients
    smallest = 2 / permutations
    if permutations > options.permutations:
        smallest = 1 / (options.permutations + 1)
    pairs = estimators * (estimators - 1) // 2
    if pairs == 0 or smallest * pairs <= 1 - options.confidence:
        return []
    if permutations > options.permutations:
        return [
            f"With {options.permutations} permutations no difference between {estimators} "
            "estimators can be shown: raise statistics.permutations."
        ]
    return [
        f"{patients} patients are too few to show that any two of {estimators} estimators differ, "
        "and intervals are rough."
    ]
