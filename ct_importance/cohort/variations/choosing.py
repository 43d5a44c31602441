"""Chooses some of the slices, of as many patients as possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ct_importance.cohort.jobs import ChoiceJob
from ct_importance.compute.randomness import order_key
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row, listed_rows, moved_rows, write_rows


def choose_slices(job: ChoiceJob, slices: StrPath, chosen: StrPath) -> None:
    """Write a list of some of the slices.

    Args:
        job: Of which subset, and how many at most.
        slices: The list of all slices.
        chosen: The list to write.
    """
    rows = listed_rows(slices, [job.slices])
    if job.sample is not None:
        rows = some_of(rows, job.sample, job.seed)
    write_rows(chosen, moved_rows(rows, slices, chosen))


def some_of(rows: Iterable[Row], count: int, seed: int) -> list[Row]:
    """Return at most so many slices: one of each patient before the second of any.

    Of patients those of every class take turns. Which slices it is depends on the seed and their
    ids: with a slice more or less, most of the others stay.

    Args:
        rows: With slice_id, patient_id and label.
        count: How many at most.
        seed: Seed of the run.

    Returns:
        The chosen rows, in the order given.
    """
    rows = list(rows)
    keys = [order_key(seed, "chosen", row["slice_id"]) for row in rows]
    of_patient: Counter[str] = Counter()
    of_class: Counter[tuple[int, int]] = Counter()
    ranked = []
    for place in sorted(range(len(rows)), key=keys.__getitem__):
        patient, label = rows[place]["patient_id"], rows[place]["label"]
        turn = of_patient[patient]
        ranked.append((turn, of_class[turn, label], label, place))
        of_patient[patient] += 1
        of_class[turn, label] += 1
    return [rows[place] for place in sorted(place for *_, place in sorted(ranked)[:count])]
