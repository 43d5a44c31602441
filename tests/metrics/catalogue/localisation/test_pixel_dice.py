import numpy as np
import pytest
from sklearn.metrics import f1_score

from ct_importance.metrics.catalogue.localisation.pixel_dice import PixelDice
from ct_importance.metrics.metric import Probe
from tests.metrics.images import sample

PROBE = Probe(seed=0)


@pytest.mark.parametrize("top", [0.01, 0.1, 0.333, 1])
def test_it_is_the_score_of_scikit_learn(top):
    rng = np.random.default_rng(0)
    mask = rng.random((15, 20)) < 0.2
    importance = rng.permutation(300).reshape(15, 20)
    shown = importance >= 300 - round(300 * top)
    points = PixelDice(top=top).evaluate(sample(mask=mask), {"original": importance}, PROBE)
    expected = f1_score(mask.ravel(), shown.ravel())
    np.testing.assert_allclose(points["original"]["score"], [expected], rtol=1e-12)


def test_a_constant_map_is_chance():
    mask = np.random.default_rng(0).random((15, 20)) < 0.2
    maps = {"original": np.zeros((15, 20))}
    points = PixelDice(top=0.25).evaluate(sample(mask=mask), maps, PROBE)["original"]
    np.testing.assert_allclose(points["score"], points["chance"], rtol=1e-12)
    rng = np.random.default_rng(1)
    draws = [(rng.permutation(300) < 75).reshape(15, 20) for _ in range(500)]
    expected = np.mean([f1_score(mask.ravel(), shown.ravel()) for shown in draws])
    assert points["chance"][0] == pytest.approx(expected, abs=0.005)
