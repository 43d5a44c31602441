import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.metrics import average_precision_score

from ct_importance.metrics.catalogue.localisation.auprc import Auprc
from tests.metrics.images import sample, score_of, scored_masks


@settings(max_examples=100, deadline=None)
@given(scored_masks())
def test_it_is_the_average_precision_of_scikit_learn(scored):
    importance, mask = scored
    expected = average_precision_score(mask.ravel(), importance.ravel())
    assert score_of(Auprc(), importance, mask) == pytest.approx(expected, abs=1e-12)


def test_a_constant_map_is_chance():
    mask = np.random.default_rng(0).random((20, 30)) < 0.1
    constant = score_of(Auprc(), np.full(mask.shape, 0.3, np.float32), mask)
    assert constant == pytest.approx(mask.mean(), rel=1e-12)
    assert Auprc().chance_of(sample(mask=mask)) == mask.mean()


def test_random_maps_are_near_chance():
    rng = np.random.default_rng(0)
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    found = [score_of(Auprc(), rng.random(mask.shape), mask) for _ in range(50)]
    assert np.mean(found) == pytest.approx(mask.mean(), abs=0.005)
