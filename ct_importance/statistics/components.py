"""Why a value varies: components of its variance by training, by patient, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ct_importance.metrics.averaging import PatientSums, values_of_trainings
from ct_importance.metrics.metric import Metric

COMPONENTS = ("training", "patient", "rest")
COLUMNS = ["estimator", "variant", "component", "variance", "low", "high"]


def components_of_values(
    metric: Metric, sums: Mapping[tuple[str, str], Sequence[PatientSums]], confidence: float
) -> pd.DataFrame:
    """Return the components of variance of each estimator and variant.

    Args:
        metric: A metric.
        sums: See `ct_importance.statistics.estimates.read_sums`; of two trainings at least.
        confidence: E.g. 0.95.

    Returns:
        Columns estimator, variant, ``component`` ("training", "patient", "rest"), ``variance`` (of
        one training, of one patient, of one patient by one training; in squared units of the
        metric's value), ``low`` and ``high``. No row where a class has one patient only, or
        where the value is undefined without one of the patients.
    """
    rows = []
    for (estimator, variant), trainings in sums.items():
        if len(trainings[0].patients) < 2 or _alone_in_class(metric, trainings[0]):
            continue
        table = pseudo_values(metric, trainings)
        if not np.isfinite(table).all():
            continue
        found = variance_components(table, confidence)
        rows += [(estimator, variant, name, *numbers) for name, numbers in found.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def pseudo_values(metric: Metric, trainings: Sequence[PatientSums]) -> np.ndarray:
    """Return what each patient adds to the value of each training: jackknife pseudo-values.

    Of P patients, P times the value of all minus P - 1 times that of all but one. Where a value is
    a mean over patients, this is the patient's own number. An area under an averaged curve, or its
    maximum, has no such number; readers of images are compared by the same device (Dorfman,
    Berbaum and Metz 1992): trainings are here what readers are there.

    Args:
        metric: A metric.
        trainings: S of them, of the same P patients; each class must have two.

    Returns:
        (S, P).
    """
    patients = len(trainings[0].patients)
    values = values_of_trainings(metric, trainings)
    without_one = values_of_trainings(metric, trainings, 1 - np.eye(patients))
    found: np.ndarray = patients * values - (patients - 1) * without_one
    return found


def _alone_in_class(metric: Metric, sums: PatientSums) -> bool:
    """Return whether a mean of classes lacks one when one patient is left out."""
    return metric.balanced and bool(((sums.counts > 0).sum(axis=1) < 2).any())


def variance_components(
    table: np.ndarray, confidence: float
) -> dict[str, tuple[float, float, float]]:
    """Return the components of variance of a table, with their intervals.

    Two-way analysis of variance with random effects and one number per cell (Searle, Casella and
    McCulloch 1992, chapter 4): mean squares are set equal to what is expected of them, and what
    comes out below 0 is 0. Intervals of training and patient are those of Williams (1962) and
    Tukey; that of the rest is exact for normal numbers. An upper end of 0 says that the rest hides
    the component, not that there is none.

    Args:
        table: (S, P) numbers of trainings and patients, at least two of each.
        confidence: E.g. 0.95.

    Returns:
        By component ("training", "patient", "rest"): variance, lower and upper end.

    Example:
        >>> found = variance_components(np.array([[1.0, 2, 3], [3, 4, 5]]), 0.95)
        >>> {name: float(numbers[0]) for name, numbers in found.items()}
        {'training': 2.0, 'patient': 1.0, 'rest': 0.0}
    """
    from scipy.special import chdtri, fdtri

    trainings, patients = table.shape
    of_trainings, of_patients = table.mean(axis=1), table.mean(axis=0)
    left = table - of_trainings[:, None] - of_patients + table.mean()
    freedom = (trainings - 1) * (patients - 1)
    rest = float((left**2).sum() / freedom)
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)

    def of_effect(means: np.ndarray, repeats: int) -> tuple[float, float, float]:
        square, own = repeats * means.var(ddof=1), len(means) - 1
        ends = [
            (square - rest * fdtri(own, freedom, 1 - tail)) * own / (repeats * chdtri(own, tail))
            for tail in tails
        ]
        low, high = np.maximum(ends, 0).tolist()
        return max(0.0, float((square - rest) / repeats)), low, high

    ends = [freedom * rest / float(chdtri(freedom, tail)) for tail in tails]
    return {
        "training": of_effect(of_trainings, patients),
        "patient": of_effect(of_patients, trainings),
        "rest": (rest, ends[0], ends[1]),
    }
