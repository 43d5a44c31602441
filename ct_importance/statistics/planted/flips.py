"""Does the classifier use the sign? How often its answer flips with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ct_importance.statistics.intervals import crossed_interval, resample_patients
from ct_importance.statistics.options import StatisticsOptions

COLUMNS = [
    *("what", "slices", "flipped", "patients", "flipped_patients"),
    *("rate", "rate_low", "rate_high", "change"),
]


@dataclass(frozen=True)
class Answers:
    """What a training answers to the slices that it sees, and to the same the other way."""

    seen: pd.DataFrame
    """Columns slice_id, patient_id, label, predicted, and the ``probability`` of the class that has
    the sign; as `toggled`."""
    toggled: pd.DataFrame
    """Of test slices without the sign where `seen` has it, and with it elsewhere."""

    @cached_property
    def joined(self) -> pd.DataFrame:
        """A row per test slice, with ``flips`` and the ``change`` of the probability.

        The change is that from the slice the other way to the slice as it is seen.
        """
        after = self.toggled.set_index("slice_id")
        rows = self.seen[self.seen["slice_id"].isin(after.index)].set_index("slice_id")
        after = after.loc[rows.index]
        change = rows["probability"] - after["probability"]
        found = rows.assign(flips=rows["predicted"] != after["predicted"], change=change)
        return found.reset_index()


def flips_of(
    trainings: Sequence[Answers], label: int, options: StatisticsOptions, seed: int
) -> pd.DataFrame:
    """Return how often the answer flips with the sign, means over trainings.

    Args:
        trainings: Of one classifier.
        label: Of the class whose slices have the sign.
        options: Section `statistics` of the configuration.
        seed: Seed of the run.

    Returns:
        A row for the slices that have the sign, which is taken away (``what`` is "removed"), and
        one for those of other classes, on which it is put ("added"). ``slices`` and ``patients``;
        ``flipped``, the slices of which every training changes its answer, and
        ``flipped_patients``, whose these are; ``rate``, the share of the slices, with its interval
        by patient and training; ``change``, by how much the sign raises the probability of its
        class, the mean.
    """
    tables = [it.joined for it in trainings]
    rows = []
    for what, has_sign in (("removed", True), ("added", False)):
        parts = [table[(table["label"] == label) == has_sign] for table in tables]
        if not len(parts[0]):
            continue
        change = np.mean([part["change"] for part in parts], axis=0)
        change = change if has_sign else -change
        rate, low, high = _share_of_patients(parts, options, seed)
        flipped = parts[0][np.all([part["flips"] for part in parts], axis=0)]
        rows.append(
            {
                "what": what,
                "slices": len(parts[0]),
                "flipped": len(flipped),
                "patients": parts[0]["patient_id"].nunique(),
                "flipped_patients": flipped["patient_id"].nunique(),
                "rate": rate,
                "rate_low": low,
                "rate_high": high,
                "change": float(change.mean()),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def _share_of_patients(
    parts: Sequence[pd.DataFrame], options: StatisticsOptions, seed: int
) -> tuple[float, float, float]:
    """Return the share of the slices that flip, with its interval.

    Where all or none flip, resamples do not differ: the interval is then that of Clopper and
    Pearson (1934) for as many patients.
    """
    grouped = [part.groupby("patient_id")["flips"] for part in parts]
    counts = grouped[0].count().to_numpy(float)
    flips = np.stack([of.sum().to_numpy(float) for of in grouped])
    weights = resample_patients(counts[None], options.resamples, seed)
    resampled = (weights @ flips.T / (weights @ counts)[:, None]).mean(axis=1)
    exact = flips.sum(axis=1) / counts.sum()
    low, high = crossed_interval(
        exact[:, None], resampled[:, None], options.confidence, [len(counts)]
    )
    # A share lies between none and all, also where few patients widen its interval.
    ends = np.clip([low[0], high[0]], 0, 1)
    if len(counts) > 1 and (exact == exact[0]).all() and exact[0] in (0, 1):
        reach = 1 - ((1 - options.confidence) / 2) ** (1 / len(counts))
        ends = np.array([0, reach] if exact[0] == 0 else [1 - reach, 1])
    return float(exact.mean()), float(ends[0]), float(ends[1])


def flipped_slices(trainings: Sequence[Answers], label: int) -> set[str]:
    """Return the slices with the sign whose answer flips without it, in every training."""
    found = []
    for table in (it.joined for it in trainings):
        has_flipped = table["flips"] & (table["label"] == label)
        found.append(set(table.loc[has_flipped, "slice_id"]))
    return set.intersection(*found)
