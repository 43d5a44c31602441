"""What a reader must know about intervals and comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.metrics.metric import Metric
from ct_importance.report.names import display_name
from ct_importance.report.tables.formats import fixed
from ct_importance.report.warnings import model_warnings
from ct_importance.statistics.comparisons import smallest_holm
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import Task

ENOUGH_PATIENTS, ENOUGH_OF_A_CLASS = 10, 5
"""From here on, 95 % intervals cover about 92 % or more in simulations of the metrics."""
COLLAPSED = 0.1
"""Share of the accuracy that is left where the first step is said to upset the classifier."""
STUDENT = "Student's t with one degree of freedom less than there are trainings"


def percent(share: float) -> str:
    """Return a share as percent, with as many digits as it needs."""
    return f"{100 * share:.3g} %"


def table_warnings(
    chosen: ChosenMetric,
    options: StatisticsOptions,
    task: Task,
    values: pd.DataFrame,
    trainings: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return what a reader of a table must be warned of.

    Args:
        chosen: The table's metric.
        options: Section `statistics` of the configuration.
        task: What the classifier tells apart.
        values: See `ct_importance.statistics.estimates.Estimates`.
        trainings: Content of evaluation.json of each training of the classifier.
    """
    first = values.iloc[0]
    judged = first.patients - first.training_patients * chosen.metric.is_tuned
    return [
        *model_warnings(trainings, task),
        *one_class(chosen.metric.balanced, first.classes, task),
        *blind_to_class(chosen, values, task),
        *no_test(first.patients, values.estimator.nunique(), options),
        *rough_intervals(judged, min(judged, first.fewest_patients_of_class)),
        *undefined(chosen.metric, values),
        *without_width(chosen.metric, values),
    ]


def reading_of_intervals(metric: Metric, options: StatisticsOptions, trainings: int = 1) -> str:
    """Return what the brackets of a table mean.

    Args:
        metric: The table's metric.
        options: Section `statistics` of the configuration.
        trainings: Of the classifier.
    """
    meaning = (
        f"Brackets: {percent(options.confidence)} intervals from {options.resamples} resamples of "
        "the patients"
    )
    if trainings > 1:
        return f"{meaning}, widened by how far trainings differ ({STUDENT})."
    if not metric.coverage:
        return f"{meaning}."
    return f"{meaning}. In simulations, 95 % intervals held the truth in {metric.coverage}."


def reading_of_trainings(trainings: int) -> str:
    """Return what values say of the trainings of the classifier."""
    if trainings == 1:
        return "One training: how far trainings differ is not known."
    return (
        f"Values are means over {trainings} trainings of the classifier, each computed of the "
        "curves of one training; those of each are in the details (value_training_1 and so on)."
    )


def reading_of_letters(options: StatisticsOptions, trainings: int = 1) -> str:
    """Return what the letters of a table mean."""
    of_trainings = " and training" if trainings > 1 else ""
    return (
        "Within a column, estimators that share a letter could not be shown to "
        f"differ (paired permutation test by patient{of_trainings}, Holm-corrected, family-wise "
        f"error rate {percent(1 - options.confidence)})."
    )


def no_test(patients: int, estimators: int, options: StatisticsOptions) -> list[str]:
    """Return a note if there are so few patients that no difference can ever be shown.

    Args:
        patients: How many the values are computed on.
        estimators: How many are compared, each with each.
        options: Section `statistics` of the configuration.
    """
    error_rate = 1 - options.confidence
    if smallest_holm(patients, estimators, options.permutations) <= error_rate:
        return []
    smallest = smallest_holm(patients, estimators, permutations=2**patients)
    if smallest <= error_rate:
        pairs = estimators * (estimators - 1) // 2
        least = math.ceil(round(pairs / error_rate, 6)) - 1
        return [
            f"No test possible with {options.permutations} permutations: raise "
            f"statistics.permutations to {least} or more."
        ]
    count = f"{patients} patient{'s' if patients > 1 else ''}"
    return [
        f"No test possible with {count}: no comparison of {estimators} estimators can have a "
        f"Holm-corrected p-value below {smallest:.2g}. Differences and ranks may be chance."
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


def one_class(balanced: bool, classes: str, task: Task) -> list[str]:
    """Return a note if a value that should be a mean of all classes lacks some of them.

    Args:
        balanced: Whether the metric is the mean of the values of the classes.
        classes: Labels there are, e.g. "0 and 1".
        task: What the classifier tells apart.
    """
    count = len(task.classes)
    if not balanced:
        return []
    if classes.isdigit():
        return [
            f'All slices are of class "{task.classes[int(classes)]}": accuracies are those of this '
            f"class, not the mean of {'two' if count == 2 else count}."
        ]
    there = {int(label) for label in classes.split(" and ")}
    return [
        f'No slice is of class "{name}": accuracies are the mean of the other classes.'
        for label, name in enumerate(task.classes)
        if label not in there
    ]


def blind_to_class(chosen: ChosenMetric, values: pd.DataFrame, task: Task) -> list[str]:
    """Return a note per class of which a value that is a mean of classes tells little or nothing.

    Args:
        chosen: A metric.
        values: See `ct_importance.statistics.estimates.Estimates`.
        task: What the classifier tells apart.
    """
    notes, metric = [], chosen.metric
    there = sum(f"value_{name}" in values for name in task.columns)
    others = f"classes alone and reach {there - 1}/{there}"
    if len(task.classes) == 2:
        others = "class alone and reach half"
    for name, title in zip(task.columns, task.classes, strict=True):
        if not metric.balanced or f"value_{name}" not in values:
            continue
        slices = f'Slices of class "{title}"'
        if (values[f"value_{name}"].abs() < 0.5 * 10**-metric.decimals).all():
            notes.append(
                f"{slices} add nothing to {metric.unit} for any estimator: the order in "
                "which pixels are masked makes no difference to their accuracy. Values tell of the "
                f"other {others} of their range at most."
            )
        elif f"first_accuracy_{name}" in values and _falls_at_once(values, name):
            notes.append(
                f"{slices} are answered wrongly as soon as the first step masks pixels at random: "
                "much of the difference between estimators lies before that step. Give smaller "
                f"shares in metrics.{chosen.name}.first."
            )
    return notes


def _falls_at_once(values: pd.DataFrame, name: str) -> bool:
    chance = values[values["estimator"] == "random"]
    return bool(
        (
            chance[f"first_accuracy_{name}"]
            <= COLLAPSED * chance[f"accuracy_{name}"].where(lambda accuracy: accuracy > 0)
        ).any()
    )


def undefined(metric: Metric, values: pd.DataFrame) -> list[str]:
    """Return a note that says which estimators have slices without a value, and why."""
    if metric.is_tuned and values["value"].isna().any():
        return [
            "There is no value: what is shown is chosen on slices of training patients and judged "
            "on those of test patients, and there are not both with a mask."
        ]
    if "undefined" not in values:
        return []
    names = [
        f"{percent(row.undefined)} of {display_name(row.estimator)} ({row.variant})"
        for row in values[values["undefined"] > 0].itertuples()
    ]
    if not names:
        return []
    reason = f", where {metric.undefined_where}" if metric.undefined_where else ""
    return [
        f"There is no value of some slices{reason}: {', '.join(names)}. These are left out of the "
        "mean of their estimator; one without any ranks last."
    ]


def reading_of_chance(metric: Metric, values: pd.DataFrame) -> str:
    """Return what a random map gets on the slices of a table, where that depends on the slices."""
    if "chance" not in values or values["chance"].isna().all():
        return ""
    numbers = values["chance"].dropna()
    least, most = (fixed(end, metric.decimals) for end in (numbers.min(), numbers.max()))
    found = least if least == most else f"{least} to {most}"
    return f"On these slices a random map gets {found} ({metric.chance_of_slice})."


def without_width(metric: Metric, values: pd.DataFrame) -> list[str]:
    """Return a note that says why some intervals of a table have no width."""
    equal = values[values["value_low"] == values["value_high"]]
    if metric.category == "sanity":
        # A map that is the same whatever the classifier knows is so for every patient.
        equal = equal[equal["value"] < 1]
    if equal.empty:
        return []
    names = [f"{display_name(row.estimator)} ({row.variant})" for row in equal.itertuples()]
    return [
        f"Intervals without width, of {', '.join(names)}: all patients have the same result, so "
        "that no resample differs. The value is not certain for that."
    ]


def reading_of_parts(metric: Metric) -> str:
    """Return what the parts of a table of more than two classes are."""
    whole = "the mean of the classes" if metric.balanced else "all slices"
    return (
        f"First comes the value of {whole}, then that of each class, computed on its slices alone "
        "and not compared."
    )


def training_share(values: pd.DataFrame) -> str:
    """Return how many of the slices and patients are training ones; nothing if none is."""
    first = values.iloc[0]
    if not first["training_slices"]:
        return ""
    return (
        f"{first['training_slices']} of the {first['slices']} slices and "
        f"{first['training_patients']} of the {first['patients']} patients are training ones."
    )
