import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ct_importance.metrics.averaging import PatientSums
from ct_importance.metrics.catalogue.localisation.roc import Roc
from ct_importance.statistics.comparisons import (
    holm,
    letter_groups,
    letters,
    permutation_p_value,
    sign_flips,
    smallest_holm,
)


class Mean:
    """A metric whose value is the mean of one number per slice."""

    balanced = False

    @staticmethod
    def summarise(curves):
        return {"value": curves.means["number"][:, 0]}


def sums(numbers):
    numbers = np.asarray(numbers, float)
    return PatientSums(
        patients=tuple(map(str, range(len(numbers)))),
        classes=(0,),
        counts=np.ones((1, len(numbers))),
        positions={},
        sums={"number": numbers[None, :, None]},
    )


def p_value(first, second, permutations=5000):
    flips = sign_flips(len(first), permutations, seed=0)
    return permutation_p_value(Mean, [sums(first)], [sums(second)], flips)


def test_of_few_patients_all_flips_are_taken():
    flips, are_all = sign_flips(4, 16, seed=0)

    assert are_all
    # Each stands for the one in which the others change places, too.
    assert len({tuple(row) for row in [*flips, *(1 - flips)]}) == 16
    assert len(flips) == 8


def test_of_many_patients_flips_are_drawn():
    flips, are_all = sign_flips(5, 31, seed=0)

    assert not are_all
    assert flips.shape == (31, 5)
    assert set(flips.ravel()) == {0, 1}


def test_drawn_flips_depend_on_the_seed_alone():
    one, again, other = (sign_flips(20, 50, seed)[0] for seed in (3, 3, 4))

    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_it_is_the_exact_permutation_test_of_scipy():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.6, 1, 9), rng.normal(0, 1, 9)
    expected = stats.permutation_test(
        (first - second,), np.mean, permutation_type="samples", n_resamples=np.inf
    )

    assert p_value(first, second) == pytest.approx(expected.pvalue)


def test_drawn_flips_come_close_to_all_of_them():
    rng = np.random.default_rng(1)
    first, second = rng.normal(0.5, 1, 12), rng.normal(0, 1, 12)

    assert p_value(first, second, 4000) == pytest.approx(p_value(first, second), abs=0.02)


def test_equal_results_never_differ():
    numbers = np.random.default_rng(0).random(20)

    assert p_value(numbers, numbers) == 1


def test_an_undefined_value_differs_from_none():
    assert p_value([1.0] * 8, [np.nan] * 8) == 1
    assert p_value([1.0] * 8, [0.0] * 8) < 0.01
    # Where an exchange of results leaves no value, it may be as extreme as any.
    assert p_value([1.0] * 7 + [np.nan], [0.0] * 8) == 1


def test_the_smallest_p_value_depends_on_the_number_of_patients():
    assert p_value(np.arange(5) + 10, np.arange(5)) == 2 / 2**5
    assert p_value(np.arange(40) + 10.0, np.arange(40), 1000) == 1 / 1001


def test_first_and_second_can_change_places():
    rng = np.random.default_rng(2)
    first, second = rng.random((2, 10))

    assert p_value(first, second) == p_value(second, first)


def test_without_a_difference_p_values_are_as_small_as_they_say():
    rng = np.random.default_rng(3)
    found = [p_value(*rng.exponential(size=(2, 8))) for _ in range(400)]

    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(found) <= level) <= level + 2.5 * np.sqrt(level * (1 - level) / 400)


def test_values_of_averaged_curves_are_compared():
    rng = np.random.default_rng(4)
    fpr = np.linspace(0, 1, 11)

    def curves(exponent):
        tpr = fpr ** (exponent + 0.05 * rng.random((12, 1)))
        one = np.ones((12, 11))
        columns = {"tpr": tpr, "fpr": fpr * one, "mean_height": one, "auc_exact": one}
        return PatientSums(
            tuple("abcdefghijkl"),
            (0,),
            np.ones((1, 12)),
            {"threshold": fpr},
            {name: values[None] for name, values in columns.items()},
        )

    flips = sign_flips(12, 5000, seed=0)
    assert permutation_p_value(Roc(), [curves(0.3)], [curves(0.6)], flips) == 2 / 2**12
    assert permutation_p_value(Roc(), [curves(0.5)], [curves(0.5)], flips) > 0.05


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.9, 0.8]), [1, 1])
    assert holm([]).size == 0


def test_holm_keeps_the_order_and_never_lowers():
    p_values = np.random.default_rng(0).random(30) ** 3
    adjusted = holm(p_values)

    assert (adjusted >= p_values).all()
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()


@pytest.mark.parametrize("patients", [1, 4, 7, 30])
def test_no_adjusted_p_value_is_below_the_smallest(patients):
    # Six pairs of four estimators as different as can be: all of the smallest p-value.
    levels = [number * 9.0 + np.arange(patients) for number in range(4)]
    found = holm([p_value(*pair, 200) for pair in itertools.combinations(levels, 2)])

    assert found.min() == pytest.approx(smallest_holm(patients, 4, 200))


def test_one_estimator_has_nothing_to_be_tested():
    assert smallest_holm(3, 1, 200) == 0


def pairs(text):
    return {frozenset(pair) for pair in text.split()}


@pytest.mark.parametrize(
    ("differing", "expected"),
    [
        ("", {"w": "a", "x": "a", "y": "a", "z": "a"}),
        ("wz", {"w": "a", "x": "ab", "y": "ab", "z": "b"}),
        ("wx wy wz xy xz yz", {"w": "a", "x": "b", "y": "c", "z": "d"}),
        ("wy wz xz", {"w": "a", "x": "ab", "y": "bc", "z": "c"}),
    ],
)
def test_letters_by_hand(differing, expected):
    assert letters("wxyz", pairs(differing)) == expected


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 8), st.data())
def test_names_share_a_letter_if_and_only_if_they_do_not_differ(count, data):
    names = [f"n{number}" for number in range(count)]
    possible = list(itertools.combinations(names, 2))
    chosen = data.draw(
        st.lists(st.sampled_from(possible), unique=True) if possible else st.just([])
    )
    differing = {frozenset(pair) for pair in chosen}
    found = letters(names, differing)

    assert found["n0"].startswith("a")
    for pair in possible:
        share = bool(set(found[pair[0]]) & set(found[pair[1]]))
        assert share == (frozenset(pair) not in differing)
    groups = [set(group) for group in letter_groups(names, differing)]
    assert not any(one < other for one in groups for other in groups)
