import numpy as np
import pytest
from hypothesis import given, settings

from ct_importance.metrics.catalogue.localisation.relevance_rank import RelevanceRank
from tests.metrics.images import score_of, scored_masks


@settings(max_examples=50, deadline=None)
@given(scored_masks())
def test_it_is_the_mean_over_orders_of_the_tied_pixels(scored):
    importance, mask = scored
    rng = np.random.default_rng(0)
    values, inside, size = importance.ravel(), mask.ravel(), mask.sum()
    cut = np.sort(values)[-size]
    if (values == cut).sum() == 1:
        orders = [np.argsort(-values)]
    else:
        shuffled = (rng.permutation(values.size) for _ in range(400))
        orders = [order[np.argsort(-values[order], kind="stable")] for order in shuffled]
    expected = np.mean([inside[order[:size]].mean() for order in orders])
    exact = len(orders) == 1
    found = score_of(RelevanceRank(), importance, mask)
    assert found == pytest.approx(expected, abs=1e-12 if exact else 0.15)


def test_the_mask_is_perfect_and_a_constant_map_chance():
    mask = np.random.default_rng(1).random((16, 16)) < 0.2
    assert score_of(RelevanceRank(), mask.astype(np.float32), mask) == 1
    assert score_of(RelevanceRank(), -mask.astype(np.float32), mask) == 0
    assert score_of(RelevanceRank(), np.ones((16, 16)), mask) == pytest.approx(mask.mean())
