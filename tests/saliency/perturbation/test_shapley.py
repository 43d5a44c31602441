from itertools import combinations
from math import factorial

import numpy as np
import pytest

from ct_importance.compute.randomness import generator_for
from ct_importance.saliency.perturbation.shapley import coalitions, shapley_values


def by_definition(game, parts):
    """Shapley values, written out: the mean of what a part adds over all orders."""
    values = np.zeros(parts)
    for part in range(parts):
        others = [other for other in range(parts) if other != part]
        for size in range(parts):
            weight = factorial(size) * factorial(parts - size - 1) / factorial(parts)
            for members in combinations(others, size):
                without = np.isin(np.arange(parts), members)
                values[part] += weight * (
                    game(without | (np.arange(parts) == part)) - game(without)
                )
    return values


def random_game(parts, seed=0):
    """A value for each of the 2^P coalitions."""
    table = np.random.default_rng(seed).standard_normal(2**parts)
    return lambda shown: table[shown @ (1 << np.arange(parts))]


def estimate(game, parts, most):
    found = coalitions(parts, most, generator_for(0))
    scores = np.array([game(shown) for shown in found[0]])
    nothing, everything = game(np.zeros(parts, bool)), game(np.ones(parts, bool))
    return shapley_values(found, scores, nothing, everything), everything - nothing


@pytest.mark.parametrize("parts", range(1, 8))
def test_all_coalitions_give_the_values_of_the_definition(parts):
    game = random_game(parts)
    values, _ = estimate(game, parts, 2**parts - 2)
    np.testing.assert_allclose(values, by_definition(game, parts), atol=1e-10)


@pytest.mark.parametrize(("parts", "most"), [(7, 126), (8, 254), (9, 20), (10, 400), (12, 7)])
def test_coalitions_fit_and_hide_and_show_something(parts, most):
    shown, weights = coalitions(parts, most, generator_for(1))
    assert len(shown) == len(weights) <= most
    assert shown.any(axis=1).all()
    assert not shown.all(axis=1).any()
    # Each stands beside its opposite, and sizes weigh what the kernel says.
    assert {row.tobytes() for row in shown} == {row.tobytes() for row in ~shown}
    total = sum((parts - 1) / (size * (parts - size)) for size in range(1, parts))
    assert weights.sum() == pytest.approx(total)


def test_sizes_that_weigh_most_are_asked_whole():
    shown, weights = coalitions(10, 300, generator_for(2))
    sizes = shown.sum(axis=1)
    for size, count in ((1, 10), (9, 10), (2, 45), (8, 45)):
        assert len(np.unique(shown[sizes == size], axis=0)) == (sizes == size).sum() == count
        assert weights[sizes == size].sum() == pytest.approx(9 / (size * (10 - size)))
    assert len(shown) == 300


@pytest.mark.parametrize("most", [4, 60, 500])
def test_values_sum_up_to_what_all_parts_add(most):
    values, added = estimate(random_game(10), 10, most)
    assert values.sum() == pytest.approx(added)


def test_where_parts_do_not_act_together_few_coalitions_are_enough():
    weights = np.random.default_rng(3).standard_normal(30)
    values, _ = estimate(lambda shown: shown @ weights + 5, 30, 62)
    np.testing.assert_allclose(values, weights, atol=1e-9)


def test_what_two_parts_do_together_needs_no_more_than_opposites():
    pairs = np.random.default_rng(4).standard_normal((12, 12))
    values, _ = estimate(lambda shown: shown @ pairs @ shown, 12, 200)
    np.testing.assert_allclose(values, (pairs + pairs.T).sum(axis=1) / 2, atol=1e-9)


def test_more_coalitions_come_nearer():
    game = random_game(9)
    exact = by_definition(game, 9)
    errors = [abs(estimate(game, 9, most)[0] - exact).max() for most in (20, 300, 510)]
    assert errors[0] > 1.5 * errors[1] > 1e-3
    assert errors[2] < 1e-9
