import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ct_importance.compute.randomness import generator_for, order_key, seed_for

NAME = st.one_of(st.integers(), st.text(st.characters(codec="utf-8", exclude_characters="\x1f")))
NAMES = st.lists(NAME, min_size=1)


@given(NAMES)
def test_the_same_names_give_the_same_numbers(names):
    np.testing.assert_array_equal(generator_for(*names).random(4), generator_for(*names).random(4))
    assert seed_for(*names) == seed_for(*names)
    assert order_key(*names) == order_key(*names)


@given(NAMES, NAMES)
def test_different_names_give_different_numbers(one, other):
    same = [str(name) for name in one] == [str(name) for name in other]
    assert (seed_for(*one) == seed_for(*other)) == same
    assert (generator_for(*one).random() == generator_for(*other).random()) == same


@given(NAMES)
def test_seeds_fit_torch(names):
    assert 0 <= seed_for(*names) < 2**63


@pytest.mark.parametrize(
    ("one", "other"),
    [((0, "ab", "c"), (0, "a", "bc")), ((1, 11), (11, 1)), ((0, "x", "y"), (0, "y", "x"))],
)
def test_names_do_not_run_into_each_other(one, other):
    assert seed_for(*one) != seed_for(*other)


def test_other_numbers_may_be_drawn_in_between():
    alone = generator_for(0, "1.2.3", "smoothgrad").standard_normal(5)
    generator_for(0, "1.2.4", "smoothgrad").standard_normal(100)
    np.random.default_rng(0).random(10)

    np.testing.assert_array_equal(generator_for(0, "1.2.3", "smoothgrad").standard_normal(5), alone)


def test_the_numbers_stay_the_same_from_release_to_release():
    assert seed_for(0, "1.2.3", "smoothgrad") == 156474559363172457
    assert order_key(0, "split", "P1") == 10729714982898378304
    assert generator_for(0, "1.2.3", "smoothgrad").integers(0, 1000, 4).tolist() == [
        392,
        241,
        777,
        915,
    ]


def test_streams_of_different_slices_are_not_alike():
    drawn = np.stack([generator_for(0, number).standard_normal(2000) for number in range(20)])

    correlations = np.corrcoef(drawn)[~np.eye(20, dtype=bool)]
    assert np.abs(correlations).max() < 0.12
