from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ct_importance.cohort.plan.split import split_patients
from ct_importance.errors import InputError


def labels_of(without: int, having: int, both: int = 0) -> dict[str, set[int]]:
    """Labels of so many patients of each kind."""
    kinds = {"a": ({0}, without), "b": ({1}, having), "c": ({0, 1}, both)}
    return {
        f"{name}{number}": labels
        for name, (labels, count) in kinds.items()
        for number in range(count)
    }


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
        (labels_of(5, 0), 0.4, "no train patient has a slice of class 'contrast' (3 train"),
        (labels_of(0, 5), 0.4, "no train patient has a slice of class 'no contrast'"),
        (labels_of(4, 1), 0.5, "no train patient has a slice of class 'contrast'"),
        (labels_of(4, 1), 0.2, "no test patient has a slice of class 'contrast' (1 test"),
        (labels_of(1, 1), 0.2, "no test patient has a slice of class 'contrast' (0 test"),
    ],
)
def test_a_side_without_one_of_the_labels_is_an_error(labels, fraction, message):
    with pytest.raises(InputError) as error:
        split_patients(labels, fraction, 0)

    assert message in str(error.value)
    assert "add patients of that kind, or change cohort.test_fraction" in str(error.value)


def test_the_class_that_is_lacking_has_the_name_of_the_task():
    with pytest.raises(InputError, match="no train patient has a slice of class 'lesion'"):
        split_patients(labels_of(5, 0), 0.4, 0, classes=("healthy", "lesion"))


def test_patients_of_one_label_are_enough_for_a_given_model(caplog):
    assert split_patients(labels_of(0, 2), 1, 0) == {"b0": "test", "b1": "test"}
    assert caplog.messages == [
        "no test patient has a slice of class 'no contrast' (2 test patients of 2): accuracy and "
        "fidelity are those of the other class"
    ]


def test_three_classes_are_split_alike():
    counts = {0: 20, 1: 10, 2: 5}
    labels = {f"{label}-{n}": {label} for label, count in counts.items() for n in range(count)}
    phases = ("native", "arterial", "venous")

    sides = split_patients(labels, 0.2, seed=0, classes=phases)

    assert held_out_patients_by_label(sides, labels) == {(0,): 4, (1,): 2, (2,): 1}
    rare = labels | {"3-0": {3}}
    with pytest.raises(InputError, match="no test patient has a slice of class 'late' "):
        split_patients(rare, 0.2, seed=0, classes=(*phases, "late"))
