import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ct_importance.cohort.labels.slice_labels import SliceLabels
from ct_importance.cohort.options import SelectionOptions, SlicesPerPatient
from ct_importance.cohort.plan.selection import (
    file_name_of,
    plan_cohort,
    plan_patient,
)
from ct_importance.errors import InputError
from tests.cohort.entries import series

OPTIONS = SelectionOptions(
    test_fraction=0.5, slices_per_patient=SlicesPerPatient(train=2, test=4), inner_fraction=0.8
)


@pytest.mark.parametrize(("side", "count"), [("train", 2), ("test", 4)])
def test_each_side_has_its_own_number_of_slices(side, count):
    entries = series("P", "s", 21)

    plan = plan_patient(entries, SliceLabels({("P", "s"): 1}), side, {}, OPTIONS)

    assert len(plan) == count
    assert plan[0] == {
        "slice_id": f"P.s.{6 if side == 'train' else 4}",
        "path": f"P/s/{6 if side == 'train' else 4}",
        "frame": None,
        "frame_of_reference": "",
        "label": 1,
        "sampled": True,
        "geometry": {
            "rows": 8,
            "columns": 8,
            "origin": (0.0, 0.0, 6.0 if side == "train" else 4.0),
            "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            "spacing": (1.0, 1.0),
        },
        "masks": None,
    }


def test_slices_with_a_mask_are_always_planned_in_reading_order():
    entries = series("P", "s", 21)
    masks = {f"P.s.{number}": [{"path": "m", "digest": "d"}] for number in (0, 6, 19)}

    plan = plan_patient(entries, SliceLabels({("P", "s"): 0}), "train", masks, OPTIONS)

    assert [(row["slice_id"], row["sampled"], row["masks"] is not None) for row in plan] == [
        ("P.s.0", False, True),
        ("P.s.6", True, True),
        ("P.s.14", True, False),
        ("P.s.19", False, True),
    ]


def test_a_patient_with_both_labels_has_slices_of_both():
    entries = series("P", "s", 20) + series("P", "t", 20)

    plan = plan_patient(entries, SliceLabels({("P", "s"): 0, ("P", "t"): 1}), "test", {}, OPTIONS)

    assert [row["label"] for row in plan] == [0, 0, 1, 1]


def test_patients_without_a_label_are_left_out_and_the_rest_is_planned():
    entries = [entry for name in ("P1", "P2", "P3", "P4", "P5") for entry in series(name, "s", 5)]
    labels = SliceLabels(
        {("P1", "s"): 0, ("P2", "s"): 1, ("P3", "s"): None, ("P4", "s"): 0, ("P5", "s"): 1}
    )

    sides, plans = plan_cohort(entries, labels, [], {}, OPTIONS, seed=0)

    assert list(sides) == list(plans) == ["P1", "P2", "P4", "P5"]
    for patient, side in sides.items():
        assert len(plans[patient]) == (2 if side == "train" else 4)
        assert all(row["slice_id"].startswith(patient) for row in plans[patient])


def test_a_series_without_a_label_is_left_out_of_its_patient():
    entries = [*series("P1", "s", 5), *series("P1", "t", 5), *series("P2", "s", 5)]
    labels = SliceLabels({("P1", "s"): 0, ("P1", "t"): None, ("P2", "s"): 1})
    options = OPTIONS.model_copy(update={"test_fraction": 0})

    _, plans = plan_cohort(entries, labels, [], {}, options, seed=0)

    assert {row["path"].split("/")[1] for row in plans["P1"]} == {"s"}


def test_a_cohort_without_any_label_says_where_to_look():
    with pytest.raises(InputError, match=r"no series has a label: give a CSV in cohort\.datasets"):
        plan_cohort(series("P", "s", 5), SliceLabels({("P", "s"): None}), [], {}, OPTIONS, seed=0)


def test_slices_with_labels_of_their_own_are_planned_of_each_class():
    entries = series("P1", "s", 20) + series("P2", "s", 5)
    own = {f"P1.s.{number}": int(number in (3, 4)) for number in range(10)}
    own |= {f"P1.s.{number}": None for number in range(10, 20)}
    labels = SliceLabels({("P1", "s"): None, ("P2", "s"): 0}, own)

    sides, plans = plan_cohort(
        entries, labels, [], {}, OPTIONS.model_copy(update={"test_fraction": 0}), seed=0
    )

    assert set(sides.values()) == {"train"}
    assert sorted(row["label"] for row in plans["P1"]) == [0, 1]
    assert not {row["slice_id"] for row in plans["P1"]} - {f"P1.s.{n}" for n in range(10)}
    assert [row["label"] for row in plans["P2"]] == [0, 0]


def test_patients_are_split_by_the_set_of_labels_of_their_slices():
    entries = [entry for number in range(8) for entry in series(f"P{number}", "s", 4)]
    own = {f"P{number}.s.{place}": place % 2 for number in range(4) for place in range(4)}
    labels = SliceLabels({(f"P{number}", "s"): number % 2 for number in range(4, 8)}, own)

    for seed in range(5):
        sides, _ = plan_cohort(entries, labels, [], {}, OPTIONS, seed=seed)
        kinds = (0, 1, 2, 3), (4, 6), (5, 7)
        tested = [sum(sides[f"P{number}"] == "test" for number in kind) for kind in kinds]
        assert tested == [2, 1, 1]


# Body region


def test_slices_are_spaced_over_the_chest_of_each_series_and_masks_are_kept():
    entries = series("P", "s", 21) + series("P", "legs", 21)
    labels = SliceLabels({("P", "s"): 1, ("P", "legs"): 1})
    chests = {("P", "s"): (10.0, 17.0), ("P", "legs"): None}
    masks = {"P.legs.3": [{"path": "m", "digest": "d"}]}

    plan = plan_patient(entries, labels, "test", masks, OPTIONS, chests)

    assert [row["slice_id"] for row in plan if row["sampled"]] == [
        "P.s.11", "P.s.13", "P.s.14", "P.s.16"
    ]  # fmt: skip
    assert [row["slice_id"] for row in plan if not row["sampled"]] == ["P.legs.3"]


def test_a_cohort_without_any_lung_says_so():
    with pytest.raises(InputError, match=r"no series with a label shows lung: set cohort\.body_"):
        plan_cohort(
            series("P", "s", 5),
            SliceLabels({("P", "s"): 1}),
            [],
            {},
            OPTIONS,
            seed=0,
            chests={("P", "s"): None},
        )


# File names


@pytest.mark.parametrize("patient", ["LIDC-IDRI-0001", "TCGA-17-Z034", "7", "a.b_c-D"])
def test_a_safe_patient_id_is_its_own_file_name(patient):
    assert file_name_of(patient) == patient


SAFE = set(string.ascii_letters + string.digits + "._-")


@given(st.text(max_size=200))
def test_any_patient_id_gives_a_name_that_is_safe(patient):
    name = file_name_of(patient)

    assert set(name) <= SAFE
    assert name[0] in string.ascii_letters + string.digits
    assert len(name) <= 100


HOSTILE = ["../x", "a b/c", "", ".", "..", "-rf", "a b", "a/b", "a_b", "é", "a\n", "x" * 150,
           "x" * 151, "x/" * 80, "x/" * 80 + "y", "/etc/passwd", "con:aux", "a\\b"]  # fmt: skip


def test_hostile_patient_ids_have_names_of_their_own():
    names = {file_name_of(patient) for patient in HOSTILE}

    assert len(names) == len(HOSTILE)
    assert not names & {".", ".."}
    assert max(map(len, names)) <= 100
