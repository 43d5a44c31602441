from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ct_importance.cohort.plan.spacing import choose_of_each_class, choose_slices, spaced_indices
from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.entries import series


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


# Classes


def chosen_of(found: list[list[SliceEntry]], ones: set[str], count: int, patient: str = "P"):
    labels = {it.slice_id: int(it.slice_id in ones) for slices in found for it in slices}
    chosen = choose_of_each_class(found, labels, count, 0.8, patient)
    return sorted(chosen & ones), sorted(chosen - ones)


def test_the_slices_of_a_patient_are_shared_out_among_the_classes():
    found = [series("P", "s", 100), series("P", "t", 50)]
    lesion = {f"P.s.{number}" for number in (71, 72, 73)}

    assert chosen_of(found, lesion, 2)[0] == ["P.s.72"]
    with_lesion, without = chosen_of(found, lesion, 4)
    assert with_lesion == ["P.s.71", "P.s.73"]
    assert sorted(name[:3] for name in without) == ["P.s", "P.t"]
    assert tuple(map(len, chosen_of(found, lesion, 16))) == (3, 13)
    assert tuple(map(len, chosen_of(found, set(), 4))) == (0, 4)


def test_the_odd_slice_is_of_either_class_for_as_many_patients():
    found = [series("P", "s", 20)]
    lesion = {f"P.s.{number}" for number in range(5)}

    odd = [len(chosen_of(found, lesion, 1, f"P{number}")[0]) for number in range(200)]

    assert 70 < sum(odd) < 130
