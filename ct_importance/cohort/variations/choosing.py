"""Chooses some of the slices, of as many patients as possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ct_importance.cohort.jobs import ChoiceJob
from ct_importance.compute.randomness import order_key
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import SUBSETS, Row, moved_rows, write_rows
from ct_importance.io.table_file import read_table


def choose_slices(job: ChoiceJob, slices: StrPath, chosen: StrPath) -> None:
    """Write a list of some of the slices.

    Args:
        job: Of which subset, and how many at most.
        slices: The list of all slices.
        chosen: The list to write.
    """
    belongs = SUBSETS[job.slices]
    rows = [row for row in read_table(slices).to_pylist() if belongs(row)]
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
    shuffled = sorted(rows, key=lambda row: order_key(seed, "chosen", row["slice_id"]))
    of_patient: Counter[str] = Counter()
    of_class: Counter[tuple[int, int]] = Counter()
    turns: dict[str, tuple[int, int, int]] = {}
    for row in shuffled:
        turn = of_patient[row["patient_id"]]
        turns[row["slice_id"]] = (turn, of_class[turn, row["label"]], row["label"])
        of_patient[row["patient_id"]] += 1
        of_class[turn, row["label"]] += 1
    kept = sorted(turns, key=turns.__getitem__)[:count]
    return [row for row in rows if row["slice_id"] in set(kept)]
