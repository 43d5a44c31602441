from collections import Counter

import numpy as np
import pytest

from ct_importance.cohort.jobs import ChoiceJob
from ct_importance.cohort.variations.choosing import choose_slices, some_of
from ct_importance.io.slices import iterate_slices
from tests.slices import write_slices


def rows_of(patients):
    return [
        {"slice_id": f"{patient}.{number}", "patient_id": patient, "label": patient % 2}
        for patient, count in enumerate(patients)
        for number in range(count)
    ]


def test_one_of_each_patient_comes_before_the_second_of_any():
    chosen = some_of(rows_of([9, 9, 1, 9]), 6, seed=0)
    counts = Counter(row["patient_id"] for row in chosen)
    assert sorted(counts.values()) == [1, 1, 2, 2]
    assert chosen == [row for row in rows_of([9, 9, 1, 9]) if row in chosen]


def test_patients_of_each_class_take_turns():
    chosen = some_of(rows_of([3, 3] + [3, 0] * 20), 2, seed=0)
    assert {row["label"] for row in chosen} == {0, 1}


def test_a_slice_more_leaves_most_of_the_others():
    rows = rows_of([4] * 30)
    fewer = {row["slice_id"] for row in some_of(rows[1:], 20, seed=0)}
    whole = {row["slice_id"] for row in some_of(rows, 20, seed=0)}
    assert len(fewer & whole) >= 18
    assert whole != {row["slice_id"] for row in some_of(rows, 20, seed=1)}
    assert len(some_of(rows, 1000, seed=0)) == len(rows)


@pytest.mark.parametrize(("subset", "count"), [("test", 6), ("annotated", 3)])
def test_a_list_of_the_chosen_leads_to_their_pixels(tmp_path, subset, count):
    slices = write_slices(tmp_path, [2, 2, 2])
    (tmp_path / "cohort" / "chosen").mkdir(parents=True)
    chosen = tmp_path / "cohort" / "chosen" / "some.parquet"

    choose_slices(ChoiceJob(slices=subset, sample=None, seed=0), slices, chosen)

    found = list(iterate_slices(chosen, ["all"], ["image"]))
    expected = list(iterate_slices(slices, [subset], ["image"]))
    assert len(found) == count
    for one, other in zip(found, expected, strict=True):
        assert one["slice_id"] == other["slice_id"]
        np.testing.assert_array_equal(one["image"], other["image"])
