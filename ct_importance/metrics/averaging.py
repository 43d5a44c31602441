"""Averages a metric over slices, with any weights of the patients.

A table's value is a function of averaged curves (`Metric.summarise`). Averages are made of sums
over the slices of each patient, so that leaving patients out, or taking them several times, is a
product of a matrix of weights with these sums: no slice is looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ct_importance.errors import InputError
from ct_importance.metrics.metric import Curves, Metric


@dataclass(frozen=True)
class PatientSums:
    """Sums over the slices of each of C classes and P patients, at K positions."""

    patients: tuple[str, ...]
    """Ids, sorted; P of them."""
    classes: tuple[int, ...]
    """Labels there are, sorted; C of them."""
    counts: np.ndarray
    """(C, P) numbers of slices."""
    positions: dict[str, np.ndarray]
    """`position_columns` of the metric, each (K,)."""
    sums: dict[str, np.ndarray]
    """`averaged` of the metric, each (C, P, K)."""


def sum_by_patient(metric: Metric, rows: pd.DataFrame) -> dict[str, PatientSums]:
    """Return what averages are made of, by variant.

    Args:
        metric: A metric.
        rows: Its table of points for one estimator.

    Raises:
        InputError: If the curves of two slices do not have the same positions.
    """
    return {
        variant: _sum_variant(metric, of_variant)
        for variant, of_variant in rows.groupby("variant", sort=False)
    }


def _sum_variant(metric: Metric, rows: pd.DataFrame) -> PatientSums:
    patient, patients = pd.factorize(rows["patient_id"], sort=True)
    label, classes = pd.factorize(rows["label"], sort=True)
    position, positions = _positions(metric, rows)
    shape = (len(classes), len(patients), len(positions))
    cell = np.ravel_multi_index((label, patient, position), shape)
    counts = np.bincount(cell, minlength=np.prod(shape)).reshape(shape)
    if (counts != counts[..., :1]).any():
        raise InputError(
            "the slices of a metric's table have points at different positions; delete the table "
            "and run again"
        )
    return PatientSums(
        patients=tuple(patients),
        classes=tuple(int(value) for value in classes),
        counts=counts[..., 0].astype(float),
        positions={name: positions[name].to_numpy() for name in metric.position_columns},
        sums={
            name: np.bincount(
                cell, weights=rows[name].to_numpy(float), minlength=np.prod(shape)
            ).reshape(shape)
            for name in metric.averaged
        },
    )


def _positions(metric: Metric, rows: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the number of each row's position, and the positions in the order of the table."""
    names = list(metric.position_columns)
    if not names:
        return np.zeros(len(rows), int), pd.DataFrame(index=[0])
    return (
        rows.groupby(names, sort=False).ngroup().to_numpy(),
        rows[names].drop_duplicates(ignore_index=True),
    )


def values_of_trainings(
    metric: Metric, trainings: Sequence[PatientSums], weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the table's value of each training of the classifier, (S, B).

    Args:
        metric: A metric.
        trainings: S of them, of the same slices.
        weights: (B, P), see `mean_curves`.
    """
    curves = (mean_curves(metric, of_training, weights) for of_training in trainings)
    return np.stack([metric.summarise(these)["value"] for these in curves])


def part_of(
    sums: PatientSums, classes: np.ndarray | None = None, patients: np.ndarray | None = None
) -> PatientSums:
    """Return the sums of some classes and patients alone.

    Args:
        sums: Of C classes and P patients.
        classes: (C,) bool, those to keep; by default all.
        patients: (P,) bool, likewise.
    """
    classes = np.ones(len(sums.classes), bool) if classes is None else classes
    patients = np.ones(len(sums.patients), bool) if patients is None else patients
    return PatientSums(
        patients=tuple(np.array(sums.patients, object)[patients]),
        classes=tuple(np.array(sums.classes)[classes].tolist()),
        counts=sums.counts[classes][:, patients],
        positions=sums.positions,
        sums={name: of[classes][:, patients] for name, of in sums.sums.items()},
    )


def mean_curves(metric: Metric, sums: PatientSums, weights: np.ndarray | None = None) -> Curves:
    """Return the points averaged over slices, at each position.

    Args:
        metric: A metric; whether it is `balanced` decides what the average is: the mean
            of the means of the classes, or the mean over all slices.
        sums: What its table sums up to.
        weights: (B, P) how often each patient's slices count; by default once. Each resample
            must hold every class.

    Returns:
        Curves of B resamples; of one without weights.
    """
    if weights is None:
        weights = np.ones((1, len(sums.patients)))
    counts = (weights @ sums.counts.T).T[..., None]
    means = {}
    for name, of_classes in sums.sums.items():
        totals = np.stack([weights @ of_class for of_class in of_classes])
        if metric.balanced:
            means[name] = (totals / counts).mean(axis=0)
        else:
            means[name] = totals.sum(axis=0) / counts.sum(axis=0)
    return Curves(sums.positions, means)
