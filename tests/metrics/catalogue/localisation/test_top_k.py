import numpy as np
import pytest
from pydantic import ValidationError

from ct_importance.metrics.catalogue.localisation.top_k import TopK
from tests.metrics.images import score_of

MASK = np.zeros((10, 10), bool)
MASK[:2] = True
DISTINCT = np.random.default_rng(0).permutation(100).reshape(10, 10)


@pytest.mark.parametrize(("k", "count"), [(1, 1), (7, 7), (0.07, 7), (0.075, 8), (0.001, 1)])
def test_it_is_the_share_of_the_top_in_the_mask(k, count):
    expected = MASK[100 - count <= DISTINCT].mean()
    assert score_of(TopK(k=k), DISTINCT, MASK) == pytest.approx(expected)


@pytest.mark.parametrize("k", [1, 20, 33, 0.3])
def test_a_constant_map_is_chance(k):
    assert score_of(TopK(k=k), np.zeros((10, 10)), MASK) == pytest.approx(0.2)


def test_more_pixels_than_the_slice_has_are_all_of_them():
    assert score_of(TopK(k=1000), DISTINCT, MASK) == pytest.approx(0.2)


@pytest.mark.parametrize("k", [0, -1, 0.0, 1.0, 1.5])
def test_k_is_a_number_of_pixels_or_a_share(k):
    with pytest.raises(ValidationError):
        TopK(k=k)


def test_the_caption_says_how_many_are_shown():
    assert "the 50 most" in TopK(k=50).describe()
    assert "the 2 % most" in TopK().describe()
