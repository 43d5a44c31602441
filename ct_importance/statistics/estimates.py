"""Values, curves and comparisons of all estimators by one metric, with their intervals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.averaging import (
    PatientSums,
    mean_curves,
    part_of,
    sum_by_patient,
)
from ct_importance.metrics.metric import Curves, Metric
from ct_importance.statistics.comparisons import (
    differing_pairs,
    holm,
    letters,
    permutation_p_value,
    sign_flips,
    smallest_holm,
)
from ct_importance.statistics.intervals import crossed_interval, resample_patients
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import DEFAULT_TASK

Key = tuple[str, str]
"""An estimator and a variant."""


def read_sums(
    metric: Metric,
    tables: Mapping[str, Sequence[StrPath]],
    slice_ids: Collection[str] | None = None,
) -> dict[Key, list[PatientSums]]:
    """Return what the averages of each estimator and variant are made of, by training.

    Args:
        metric: A metric.
        tables: Its tables of points for each estimator, one per training of the classifier.
        slice_ids: The slices to average over; None: all.

    Raises:
        InputError: If the tables are not of the same slices.
    """
    columns = ["patient_id", "label", "variant", *metric.position_columns, *metric.averaged]
    chosen = [] if slice_ids is None else ["slice_id"]
    sums: dict[Key, list[PatientSums]] = {}
    paths = [(estimator, path) for estimator, several in tables.items() for path in several]
    first: PatientSums | None = None
    for estimator, path in paths:
        points = read_frame(path, [*chosen, *columns])
        if slice_ids is not None:
            points = points[points["slice_id"].isin(slice_ids)]
        for variant, these in sum_by_patient(metric, points).items():
            first = first or these
            if these.patients != first.patients or (these.counts != first.counts).any():
                raise InputError(
                    f"{path}: holds other slices than {paths[0][1]}; delete the one that is old "
                    "and run again"
                )
            sums.setdefault((estimator, variant), []).append(these)
    return sums


@dataclass(frozen=True)
class Estimates:
    """What one metric says of all estimators."""

    values: pd.DataFrame
    """A row per estimator and variant: ``value`` and details, means over the trainings of the
    classifier, each with _low and _high, of several trainings also the value of each
    (``value_training_1`` and so on), where classes weigh alike or are more than two also of each
    class alone (``value_<class>``, e.g. ``value_contrast``), and where training patients take part,
    of test patients alone (``value_test``); ``letters``, of which those that do not differ share
    one within a variant (none where there are too few patients for any test); ``patients``,
    ``slices`` and ``classes`` (labels) it is computed on, how many of them are
    ``training_patients`` and ``training_slices``, and ``fewest_patients_of_class``: of the class
    with fewest, where classes weigh alike; else all patients."""
    curves: pd.DataFrame
    """A row per estimator, variant and position of the figure's curves, with _low and _high."""
    comparisons: pd.DataFrame
    """A row per pair of estimators (within a variant), then per pair of variants (within an
    estimator); p_holm is adjusted within each of these families."""


def estimate_values(
    metric: Metric,
    sums: Mapping[Key, Sequence[PatientSums]],
    options: StatisticsOptions,
    seed: int,
    training: Collection[str] = (),
    classes: Sequence[str] = DEFAULT_TASK.columns,
) -> Estimates:
    """Return values, curves and comparisons with their intervals.

    Args:
        metric: A metric.
        sums: See `read_sums`.
        options: Section `statistics` of the configuration.
        seed: Seed of the run.
        training: Ids of the training patients.
        classes: Names of the classes, as the columns of values of one class end.
    """
    any_sums = next(iter(sums.values()))[0]
    patients = len(any_sums.patients)
    is_training = np.array([patient in training for patient in any_sums.patients])
    by_class = _patients_by_class(metric, any_sums)
    if min(by_class) < 2:
        logging.warning("one patient only, in all or of one class: there are no intervals")
    weights = resample_patients(any_sums.counts, options.resamples, seed)
    parts = _parts(metric, any_sums, is_training, options, seed, classes)
    values, curves, replicates = [], [], {}
    for (estimator, variant), trainings in sums.items():
        key = {"estimator": estimator, "variant": variant}
        averaged = _curves(metric, trainings, weights)
        found = _over_trainings(averaged, metric.summarise)
        shown = _over_trainings(averaged, lambda of: metric.figure_curves(of).means)
        replicates[estimator, variant] = found.by_training["value"], found.resampled["value"]
        row = key | _summary(found, options.confidence, by_class)
        row |= _of_each_training(found.by_training["value"])
        for suffix, part in parts.items():
            row |= _summary_of_part(metric, trainings, part, options.confidence, suffix)
        values.append(row)
        columns = dict(metric.figure_curves(averaged[0][0]).positions)
        for name, by_training in shown.by_training.items():
            resampled = shown.resampled[name]
            columns |= _with_interval(
                name, by_training[:, 0], resampled, options.confidence, by_class
            )
        curves.append(pd.DataFrame(key | columns))
    flips = sign_flips(patients, options.permutations, seed)
    comparisons = _compare(metric, sums, replicates, flips, by_class, options)
    table = pd.DataFrame(values)
    table["letters"] = _letters(metric, table, comparisons, patients, options)
    table["patients"], table["slices"] = patients, int(any_sums.counts.sum())
    table["fewest_patients_of_class"] = min(by_class)
    table["classes"] = " and ".join(map(str, any_sums.classes))
    table["training_patients"] = int(is_training.sum())
    table["training_slices"] = int(any_sums.counts[:, is_training].sum())
    return Estimates(table, pd.concat(curves, ignore_index=True), comparisons)


def _patients_by_class(metric: Metric, sums: PatientSums) -> list[int]:
    """Return the patients of each class, if the metric weighs classes alike; else those of all."""
    if metric.balanced:
        patients: list[int] = (sums.counts > 0).sum(axis=1).tolist()
        return patients
    return [len(sums.patients)]


@dataclass(frozen=True)
class _Part:
    """Some of the classes and patients, and their resamples."""

    classes: np.ndarray
    patients: np.ndarray
    weights: np.ndarray
    by_class: list[int]


def _parts(
    metric: Metric,
    sums: PatientSums,
    is_training: np.ndarray,
    options: StatisticsOptions,
    seed: int,
    classes: Sequence[str],
) -> dict[str, _Part]:
    """Return what the values are also computed on, by the suffix of its columns."""
    chosen: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    if (metric.balanced or len(classes) > 2) and len(sums.classes) > 1:
        for label, of_class in zip(sums.classes, sums.counts, strict=True):
            chosen[f"_{classes[label]}"] = np.array(sums.classes) == label, of_class > 0
    tested = (sums.counts[:, ~is_training] > 0).any(axis=1)
    # The mean of the classes is another quantity where one of them is missing.
    is_whole = tested.all() if metric.balanced else tested.any()
    # What is chosen on training slices cannot be without them; its value is that of the others.
    if is_training.any() and is_whole and not metric.is_tuned:
        chosen["_test"] = np.asarray(tested), ~is_training
    parts = {}
    for suffix, (labels, patients) in chosen.items():
        part = part_of(sums, labels, patients)
        weights = resample_patients(part.counts, options.resamples, seed)
        parts[suffix] = _Part(labels, patients, weights, _patients_by_class(metric, part))
    return parts


def _summary_of_part(
    metric: Metric,
    trainings: Sequence[PatientSums],
    part: _Part,
    confidence: float,
    suffix: str,
) -> dict[str, float]:
    of_part = [part_of(sums, part.classes, part.patients) for sums in trainings]
    found = _over_trainings(_curves(metric, of_part, part.weights), metric.summarise)
    return _summary(found, confidence, part.by_class, suffix)


@dataclass(frozen=True)
class _Numbers:
    """Numbers by name."""

    by_training: dict[str, np.ndarray]
    """Each (S, 1, ...), of all patients."""
    resampled: dict[str, np.ndarray]
    """Each (B, ...), of resamples of the patients: means over the trainings."""


OfTraining = tuple[Curves, Curves]
"""Of all patients, and of resamples of them."""


def _curves(
    metric: Metric, trainings: Sequence[PatientSums], weights: np.ndarray
) -> list[OfTraining]:
    return [(mean_curves(metric, sums), mean_curves(metric, sums, weights)) for sums in trainings]


def _over_trainings(
    curves: Sequence[OfTraining], numbers: Callable[[Curves], Mapping[str, np.ndarray]]
) -> _Numbers:
    """Return the numbers that are made of the curves of each training."""
    exact = [numbers(of_all) for of_all, _ in curves]
    resampled = [numbers(of_resamples) for _, of_resamples in curves]
    return _Numbers(
        {name: np.stack([one[name] for one in exact]) for name in exact[0]},
        {name: np.mean([one[name] for one in resampled], axis=0) for name in exact[0]},
    )


def _of_each_training(values: np.ndarray) -> dict[str, float]:
    """Return columns of the values (S, 1) of several trainings; none of one."""
    if len(values) == 1:
        return {}
    return {f"value_training_{n}": float(value) for n, value in enumerate(values[:, 0], 1)}


def _summary(
    found: _Numbers,
    confidence: float,
    patients: Sequence[int],
    suffix: str = "",
) -> dict[str, float]:
    """Return a metric's value and details with their intervals, as columns of a row."""
    return {
        column: float(number[0])
        for name, by_training in found.by_training.items()
        for column, number in _with_interval(
            f"{name}{suffix}", by_training, found.resampled[name][:, None], confidence, patients
        ).items()
    }


def _with_interval(
    name: str,
    by_training: np.ndarray,
    replicates: np.ndarray,
    confidence: float,
    patients: Sequence[int],
) -> dict[str, np.ndarray]:
    low, high = crossed_interval(by_training, replicates, confidence, patients)
    return {name: by_training.mean(axis=0), f"{name}_low": low, f"{name}_high": high}


def _compare(
    metric: Metric,
    sums: Mapping[Key, Sequence[PatientSums]],
    replicates: Mapping[Key, tuple[np.ndarray, np.ndarray]],
    flips: tuple[np.ndarray, bool],
    patients: Sequence[int],
    options: StatisticsOptions,
) -> pd.DataFrame:
    families: dict[str, list[tuple[Key, Key]]] = {}
    for first, second in combinations(sums, 2):
        if first[1] == second[1]:
            families.setdefault(first[1], []).append((first, second))
        elif first[0] == second[0]:
            families.setdefault("variants", []).append((first, second))
    rows = []
    for family in sorted(families, key="variants".__eq__):
        pairs = families[family]
        p_values = [permutation_p_value(metric, sums[a], sums[b], flips) for a, b in pairs]
        for (first, second), p_value, adjusted in zip(pairs, p_values, holm(p_values), strict=True):
            differences, of_resamples = (
                one - other
                for one, other in zip(replicates[first], replicates[second], strict=True)
            )
            low, high = crossed_interval(
                differences, of_resamples[:, None], options.confidence, patients
            )
            rows.append(
                {
                    "first": first[0],
                    "first_variant": first[1],
                    "second": second[0],
                    "second_variant": second[1],
                    "difference": float(differences.mean()),
                    "low": float(low[0]),
                    "high": float(high[0]),
                    "p": p_value,
                    "p_holm": adjusted,
                }
            )
    names = ["first", "first_variant", "second", "second_variant"]
    return pd.DataFrame(rows, columns=[*names, "difference", "low", "high", "p", "p_holm"])


def _letters(
    metric: Metric,
    values: pd.DataFrame,
    comparisons: pd.DataFrame,
    patients: int,
    options: StatisticsOptions,
) -> pd.Series:
    found = pd.Series("", index=values.index)
    error_rate = 1 - options.confidence
    for variant, rows in values.groupby("variant"):
        if smallest_holm(patients, len(rows), options.permutations) > error_rate:
            continue
        best_first = rows.sort_values(
            ["value", "estimator"], ascending=[not metric.higher_is_better, True]
        )
        of_estimators = letters(
            list(best_first["estimator"]), differing_pairs(comparisons, variant, error_rate)
        )
        found[rows.index] = rows["estimator"].map(of_estimators)
    return found
