"""What a reader must know about intervals and comparisons."""

from __future__ import annotations

from scripts.statistics.options import StatisticsOptions

ENOUGH_PATIENTS, ENOUGH_OF_A_CLASS = 10, 5
"""From here on, 95 % intervals cover 92 % or more in simulations of the metrics."""
CLASS_WORDS = {"0": "without", "1": "with"}


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
        f"{patients} patients are too few to show that any two of {estimators} estimators differ."
    ]


def rough_intervals(patients: int, fewest: int) -> list[str]:
    """Return a note if intervals cover the truth less often than they say, or there are none.

    Args:
        patients: How many the values are computed on.
        fewest: How many of them are of the class that has fewest, where classes weigh alike; else
            all of them.
    """
    of_class = "" if fewest == patients else " of one class"
    if fewest < 2:
        return [f"One patient only{of_class}: there are no intervals."]
    if fewest < ENOUGH_OF_A_CLASS or patients < ENOUGH_PATIENTS:
        return [f"Intervals are rough: there are {fewest} patients only{of_class}."]
    return []


def one_class(balanced: bool, classes: str) -> list[str]:
    """Return a note if a value that should be a mean of two classes knows one of them.

    Args:
        balanced: Whether the metric is the mean of the values of the classes.
        classes: Labels there are, e.g. "0 and 1".
    """
    if not balanced or classes not in CLASS_WORDS:
        return []
    return [
        f"All slices are {CLASS_WORDS[classes]} contrast agent: accuracies are those of this "
        "class, not the mean of two."
    ]
