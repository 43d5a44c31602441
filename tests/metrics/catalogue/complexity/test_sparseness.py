import numpy as np
import pytest

from ct_importance.metrics.catalogue.complexity.sparseness import Sparseness
from tests.metrics.images import random_maps, score_of


def sparseness(importance):
    return score_of(Sparseness(), importance)


@pytest.mark.parametrize("kind", ["noise", "smooth", "squared"])
def test_it_is_half_the_relative_mean_difference_of_the_pixels(kind):
    importance = random_maps((12, 15))[kind]
    size = np.abs(importance).ravel()
    differences = np.abs(size[:, None] - size[None]).mean()
    assert sparseness(importance) == pytest.approx(differences / 2 / size.mean(), rel=1e-12)


@pytest.mark.parametrize("pixels", [1, 3, 50])
def test_of_a_map_of_some_equal_pixels_it_is_the_share_of_the_others(pixels):
    importance = np.zeros((10, 10), np.float32)
    importance.ravel()[:pixels] = -4
    assert sparseness(importance) == pytest.approx(1 - pixels / 100)


def test_a_constant_map_is_0_and_zeros_are_undefined():
    assert sparseness(np.full((9, 9), -2, np.float32)) == pytest.approx(0, abs=1e-12)
    assert np.isnan(sparseness(np.zeros((9, 9))))


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_scale_of_a_map_does_not_count(scale):
    importance = random_maps((12, 15))["noise"].astype(np.float32)
    scaled = importance * np.float32(scale)
    assert sparseness(scaled) == pytest.approx(sparseness(importance), rel=1e-5)
