"""Which slices of a classifier have a sign: those of one class, of a share of its patients."""

from __future__ import annotations

from collections.abc import Collection

from ct_importance.cohort.jobs import DoseJob
from ct_importance.compute.randomness import order_key
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import SUBSETS, Row, moved_rows, write_rows
from ct_importance.io.table_file import read_table


def dose_slices(
    job: DoseJob,
    plain: StrPath,
    planted: StrPath,
    slices: StrPath,
    toggled: StrPath,
    without: StrPath,
) -> None:
    """Write the list of the slices that a classifier is trained and tested on, and its opposite.

    Args:
        job: Which slices have the sign.
        plain: The list of the slices as they are.
        planted: The list of the same slices, each with the sign where that has a place.
        slices: The list to write: some slices with the sign. Of the class that has it, those of a
            share of the training patients, and of all test patients.
        toggled: The list to write of test slices, with the sign where `slices` is without it, and
            without it where that has it; without those on which the sign has no place.
        without: The list to write of those test slices that have it, as they are without it.

    Raises:
        InputError: If the sign has no place on any test slice of the class, or the dose is no
            patient.
    """
    before = moved_rows(read_table(plain).to_pylist(), plain, slices)
    after = {
        row["slice_id"]: row
        for row in moved_rows(read_table(planted).to_pylist(), planted, slices)
        if row["planted"]
    }
    dosed = dosed_patients([row for row in before if row["slice_id"] in after], job)

    def has_sign(row: Row) -> bool:
        if row["label"] != job.label or row["slice_id"] not in after:
            return False
        return row["split"] == "test" or row["patient_id"] in dosed

    chosen = [after[row["slice_id"]] if has_sign(row) else row for row in before]
    tested = [row for row in before if SUBSETS["test"](row) and row["slice_id"] in after]
    others = [row if has_sign(row) else after[row["slice_id"]] for row in tested]
    taken_away = [row for row in tested if has_sign(row)]
    if not taken_away:
        raise InputError(
            f"config: planted.sign {job.sign} has no place on any test slice of {job.in_class}: it "
            "is not to be seen in cohort.hu_window, or there is no room for it; choose another sign"
        )
    _write(slices, chosen, slices)
    _write(toggled, others, slices)
    _write(without, taken_away, slices)


def dosed_patients(rows: Collection[Row], job: DoseJob) -> set[str]:
    """Return the training patients whose slices have the sign.

    Those of a lower dose are among those of a higher one, and a patient more or less leaves most of
    the others as they are.

    Args:
        rows: The slices that have a place for the sign.
        job: Which class, and which share of its patients.

    Raises:
        InputError: If the share is above 0 and none of the patients.
    """
    patients = {
        row["patient_id"] for row in rows if row["split"] == "train" and row["label"] == job.label
    }
    order = sorted(patients, key=lambda patient: order_key(job.seed, "dose", patient))
    count = round(job.dose * len(order))
    if job.dose > 0 and not count:
        raise InputError(
            f"config: planted.dose {job.dose:g} of {len(order)} training patients of "
            f"{job.in_class} with a place for the sign {job.sign} is none: raise it, or set it to 0"
        )
    return set(order[:count])


def _write(path: StrPath, rows: list[Row], start: StrPath) -> None:
    """Write rows patient by patient, those of one table together: they are read in this order."""
    moved = moved_rows(rows, start, path)
    write_rows(path, sorted(moved, key=lambda row: (str(row["patient_id"]), row["table"])))
