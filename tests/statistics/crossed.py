"""Simulated results of several trainings for several patients, whose components are known."""

from __future__ import annotations

import numpy as np

from ct_importance.metrics.averaging import PatientSums
from ct_importance.plugins import load


class Mean:
    """A metric whose value is the mean of one number per slice."""

    balanced = False

    @staticmethod
    def summarise(curves):
        return {"value": curves.means["number"][:, 0]}


METRICS = {name: load("metric", name)() for name in ("fidelity", "roc", "dice")}
FRACTION = np.linspace(0, 1, 11)
POSITIONS = {
    "fidelity": {"order": np.repeat(["mif", "lif"], 11), "fraction": np.tile(FRACTION, 2)},
    "roc": {"threshold": np.linspace(0, 1, 21)},
    "dice": {"percentage": np.geomspace(1, 100, 25)},
}


def crossed(trainings, patients, deviations, rng):
    """Numbers (S, P) of which training, patient and the rest have these standard deviations."""
    training, patient, rest = deviations
    return (
        training * rng.normal(size=(trainings, 1))
        + patient * rng.normal(size=(1, patients))
        + rest * rng.normal(size=(trainings, patients))
    )


def sums_of_numbers(numbers):
    """Sums of `Mean`, by training."""
    return [
        _sums(np.ones((1, numbers.shape[1])), {}, {"number": of_training[None, :, None]})
        for of_training in np.asarray(numbers, float)
    ]


def sums_of_curves(name, effects):
    """Sums of a metric whose curves these effects (S, P) move, of two classes by turns."""
    patients = effects.shape[1]
    of_class = (np.arange(patients) % 2 == np.arange(2)[:, None]).astype(float)
    columns = METRICS[name].averaged
    return [
        _sums(
            of_class,
            POSITIONS[name],
            {
                column: of_class[..., None] * points
                for column, points in zip(columns, _points(name, effect[:, None]), strict=True)
            },
        )
        for effect in effects
    ]


def _points(name, effect):
    if name == "fidelity":
        mif, lif = 0.2 + 0.1 * effect > FRACTION, 0.6 - 0.1 * effect > FRACTION
        return [np.hstack([mif, lif]).astype(float)]
    if name == "roc":
        fpr = np.tile(np.linspace(0, 1, 21), (len(effect), 1))
        return [fpr ** np.exp(-1.2 + 0.35 * effect), fpr, fpr, fpr]
    width = np.log(np.geomspace(1, 100, 25) / 6) + 0.4 * effect
    dsc = (0.5 + 0.08 * effect) * np.exp(-(width**2) / 2)
    return [dsc, dsc]


def _sums(counts, positions, sums):
    patients = tuple(f"{number:05}" for number in range(counts.shape[1]))
    return PatientSums(patients, tuple(range(len(counts))), counts, positions, sums)
