import string
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ct_importance.cohort.options import SelectionOptions, SlicesPerPatient
from ct_importance.cohort.plan.selection import (
    choose_slices,
    file_name_of,
    plan_cohort,
    plan_patient,
    spaced_indices,
    split_patients,
)
from ct_importance.cohort.slice_entry import SliceEntry
from ct_importance.errors import InputError
from tests.cohort.entries import slice_entry


def labels_of(without: int, having: int, both: int = 0) -> dict[str, set[int]]:
    """Labels of so many patients of each kind."""
    kinds = {"a": ({0}, without), "b": ({1}, having), "c": ({0, 1}, both)}
    return {
        f"{name}{number}": labels
        for name, (labels, count) in kinds.items()
        for number in range(count)
    }


def series(patient: str, name: str, slices: int) -> list[SliceEntry]:
    return [
        slice_entry(
            number,
            slice_id=f"{patient}.{name}.{number}",
            series_uid=name,
            patient_id=patient,
            path=f"{patient}/{name}/{number}",
        )
        for number in range(slices)
    ]


# Split


def held_out_patients_by_label(sides: dict[str, str], labels: dict[str, set[int]]) -> Counter:
    return Counter(tuple(sorted(labels[name])) for name, side in sides.items() if side == "test")


def test_each_kind_of_patient_is_split_by_the_test_fraction():
    labels = labels_of(40, 20, 10)

    sides = split_patients(labels, 0.3, seed=0)

    assert list(sides) == sorted(labels)
    assert held_out_patients_by_label(sides, labels) == {(0,): 12, (1,): 6, (0, 1): 3}


@given(
    st.integers(2, 12), st.integers(2, 12), st.integers(0, 5), st.floats(0.01, 0.99), st.integers(0)
)
def test_both_sides_have_both_labels_while_each_label_has_two_patients(
    without, having, both, fraction, seed
):
    labels = labels_of(without, having, both)
    sides = split_patients(labels, fraction, seed)

    for side in ("train", "test"):
        found = set().union(*(labels[name] for name in sides if sides[name] == side))
        assert found == {0, 1}


def test_the_split_depends_on_the_seed_and_on_nothing_else():
    labels = labels_of(20, 20)
    reordered = dict(sorted(labels.items(), key=lambda item: item[0][::-1]))

    assert split_patients(labels, 0.5, seed=1) == split_patients(reordered, 0.5, seed=1)
    assert split_patients(labels, 0.5, seed=1) != split_patients(labels, 0.5, seed=2)


@given(st.integers(2, 15), st.integers(2, 15), st.floats(0.05, 0.95), st.text(min_size=1))
def test_one_patient_more_moves_one_other_at_most(without, having, fraction, newcomer):
    labels = labels_of(without, having)
    before = split_patients(labels, fraction, seed=0)
    after = split_patients({**labels, f"new {newcomer}": {1}}, fraction, seed=0)

    moved = [name for name in labels if before[name] != after[name]]
    assert len(moved) <= 1
    assert all(labels[name] == {1} for name in moved)


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=5), st.integers(0, 50))
def test_patients_that_share_a_slice_stay_on_one_side(numbers, seed):
    labels = labels_of(10, 10, 4)
    names = sorted(labels)
    pairs = [(names[one], names[-1 - other]) for one, other in numbers]

    sides = split_patients(labels, 0.4, seed, pairs)

    assert set(sides) == set(labels)
    assert all(sides[one] == sides[other] for one, other in pairs)


def test_patients_that_share_slices_in_a_chain_stay_together():
    pairs = [("a0", "a1"), ("a2", "a3"), ("a1", "a2")]

    for seed in range(10):
        sides = split_patients(labels_of(8, 8), 0.5, seed, pairs)
        assert len({sides[name] for name in ("a0", "a1", "a2", "a3")}) == 1


def test_patients_joined_by_one_without_a_label_stay_together():
    pairs = [("a0", "unlabelled"), ("b0", "unlabelled"), ("unlabelled", "a1")]
    labels = labels_of(8, 8)

    for seed in range(10):
        sides = split_patients(labels, 0.5, seed, pairs)
        assert set(sides) == set(labels)
        assert len({sides[name] for name in ("a0", "a1", "b0")}) == 1


def test_a_pair_with_a_patient_that_is_not_there_is_passed_over():
    labels = labels_of(4, 4)

    assert split_patients(labels, 0.5, 0, [("a0", "gone")]) == split_patients(labels, 0.5, 0)


@pytest.mark.parametrize(("fraction", "side"), [(0, "train"), (1, "test")])
def test_all_patients_can_be_on_one_side(fraction, side):
    assert set(split_patients(labels_of(2, 2), fraction, 0).values()) == {side}


@pytest.mark.parametrize(
    ("labels", "fraction", "message"),
    [
        (labels_of(5, 0), 0.4, "no train patient has a series with contrast agent (3 train"),
        (labels_of(0, 5), 0.4, "no train patient has a series without contrast agent"),
        (labels_of(4, 1), 0.5, "no train patient has a series with contrast agent"),
        (labels_of(4, 1), 0.2, "no test patient has a series with contrast agent (1 test"),
        (labels_of(1, 1), 0.2, "no test patient has a series with contrast agent (0 test"),
    ],
)
def test_a_side_without_one_of_the_labels_is_an_error(labels, fraction, message):
    with pytest.raises(InputError) as error:
        split_patients(labels, fraction, 0)

    assert message in str(error.value)
    assert "add patients of that kind, or change cohort.test_fraction" in str(error.value)


def test_patients_of_one_label_are_enough_for_a_given_model(caplog):
    assert split_patients(labels_of(0, 2), 1, 0) == {"b0": "test", "b1": "test"}
    assert caplog.messages == [
        "no test patient has a series without contrast agent (2 test patients of 2): accuracy and "
        "fidelity are those of the other class"
    ]


# Slices


@given(st.data())
def test_spaced_indices_are_distinct_rising_symmetric_and_inside(data):
    length = data.draw(st.integers(1, 300))
    count = data.draw(st.integers(0, length))
    inner = data.draw(st.floats(0.05, 1))

    indices = spaced_indices(length, count, inner)

    assert len(indices) == count
    assert indices == sorted(set(indices))
    assert all(0 <= index < length for index in indices)
    for low, high in zip(indices, reversed(indices), strict=True):
        assert abs(low + high - (length - 1)) <= 1
    if count <= inner * length:
        margin = (1 - inner) / 2 * length
        for index in indices:
            assert margin - 1e-6 <= index + 0.5 <= length - margin + 1e-6


@given(st.integers(1, 400), st.data())
def test_gaps_between_spaced_indices_differ_by_one_at_most(length, data):
    indices = spaced_indices(length, data.draw(st.integers(1, length)), 0.8)

    gaps = {high - low for low, high in pairwise(indices)}
    assert not gaps or max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("length", "count", "inner", "indices"),
    [
        (100, 1, 0.8, [50]),
        (101, 1, 0.8, [50]),
        (100, 2, 0.8, [30, 70]),
        (100, 4, 0.8, [20, 40, 60, 80]),
        (5, 5, 0.1, [0, 1, 2, 3, 4]),
        (9, 3, 0.1, [3, 4, 5]),
        (30, 6, 0.8, [5, 9, 13, 17, 21, 25]),
        (20, 6, 0.6, [5, 7, 9, 11, 13, 15]),
    ],
)
def test_spaced_indices_are_the_middles_of_equal_pieces(length, count, inner, indices):
    assert spaced_indices(length, count, inner) == indices


@pytest.mark.parametrize(
    ("sizes", "count", "shares"),
    [([30], 4, [4]), ([30, 30], 4, [2, 2]), ([30, 30], 5, [3, 2]), ([1, 30], 6, [1, 5]),
     ([2, 1], 9, [2, 1]), ([5, 5, 5], 2, [1, 1, 0])],
)  # fmt: skip
def test_the_slices_of_a_patient_are_shared_out_among_the_series(sizes, count, shares):
    found = [series("P", f"s{number}", size) for number, size in enumerate(sizes)]

    chosen = choose_slices(found, count, 0.8)

    assert [sum(f".s{number}." in name for name in chosen) for number in range(len(sizes))] == (
        shares
    )


OPTIONS = SelectionOptions(
    test_fraction=0.5, slices_per_patient=SlicesPerPatient(train=2, test=4), inner_fraction=0.8
)


@pytest.mark.parametrize(("side", "count"), [("train", 2), ("test", 4)])
def test_each_side_has_its_own_number_of_slices(side, count):
    entries = series("P", "s", 21)

    plan = plan_patient(entries, {("P", "s"): 1}, side, {}, OPTIONS)

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

    plan = plan_patient(entries, {("P", "s"): 0}, "train", masks, OPTIONS)

    assert [(row["slice_id"], row["sampled"], row["masks"] is not None) for row in plan] == [
        ("P.s.0", False, True),
        ("P.s.6", True, True),
        ("P.s.14", True, False),
        ("P.s.19", False, True),
    ]


def test_a_patient_with_both_labels_has_slices_of_both():
    entries = series("P", "s", 20) + series("P", "t", 20)

    plan = plan_patient(entries, {("P", "s"): 0, ("P", "t"): 1}, "test", {}, OPTIONS)

    assert [row["label"] for row in plan] == [0, 0, 1, 1]


def test_patients_without_a_label_are_left_out_and_the_rest_is_planned():
    entries = [entry for name in ("P1", "P2", "P3", "P4", "P5") for entry in series(name, "s", 5)]
    labels = {("P1", "s"): 0, ("P2", "s"): 1, ("P3", "s"): None, ("P4", "s"): 0, ("P5", "s"): 1}

    sides, plans = plan_cohort(entries, labels, [], {}, OPTIONS, seed=0)

    assert list(sides) == list(plans) == ["P1", "P2", "P4", "P5"]
    for patient, side in sides.items():
        assert len(plans[patient]) == (2 if side == "train" else 4)
        assert all(row["slice_id"].startswith(patient) for row in plans[patient])


def test_a_series_without_a_label_is_left_out_of_its_patient():
    entries = [*series("P1", "s", 5), *series("P1", "t", 5), *series("P2", "s", 5)]
    labels = {("P1", "s"): 0, ("P1", "t"): None, ("P2", "s"): 1}
    options = OPTIONS.model_copy(update={"test_fraction": 0})

    _, plans = plan_cohort(entries, labels, [], {}, options, seed=0)

    assert {row["path"].split("/")[1] for row in plans["P1"]} == {"s"}


def test_a_cohort_without_any_label_says_where_to_look():
    with pytest.raises(InputError, match=r"no series has a label: give a CSV in cohort\.datasets"):
        plan_cohort(series("P", "s", 5), {("P", "s"): None}, [], {}, OPTIONS, seed=0)


# Body region


def test_slices_are_spaced_over_the_chest_of_each_series_and_masks_are_kept():
    entries = series("P", "s", 21) + series("P", "legs", 21)
    labels = {("P", "s"): 1, ("P", "legs"): 1}
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
            series("P", "s", 5), {("P", "s"): 1}, [], {}, OPTIONS, seed=0, chests={("P", "s"): None}
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
