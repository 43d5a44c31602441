import numpy as np
import pytest
from scipy import stats

from ct_importance.metrics.catalogue.complexity.entropy import Entropy
from tests.metrics.images import random_maps, score_of


def entropy(importance):
    return score_of(Entropy(), importance)


@pytest.mark.parametrize("kind", ["noise", "smooth", "squared"])
def test_it_is_the_entropy_of_scipy(kind):
    importance = random_maps((20, 30))[kind]
    expected = stats.entropy(np.abs(importance).ravel())
    assert entropy(importance) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("pixels", [1, 3, 100])
def test_of_a_map_of_some_equal_pixels_it_is_the_logarithm_of_their_number(pixels):
    importance = np.zeros((10, 10), np.float32)
    importance.ravel()[:pixels] = -4
    assert entropy(importance) == pytest.approx(np.log(pixels), abs=1e-12)


def test_zeros_are_undefined():
    assert np.isnan(entropy(np.zeros((9, 9))))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_scale_of_a_map_does_not_count(scale):
    importance = random_maps((12, 15))["noise"].astype(np.float32)
    assert entropy(importance * np.float32(scale)) == pytest.approx(entropy(importance), rel=1e-5)
