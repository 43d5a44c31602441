import numpy as np
import pytest
from hypothesis import given, settings

from ct_importance.metrics.catalogue.localisation.relevance_mass import RelevanceMass
from tests.metrics.images import score_of, scored_masks

MASK = np.eye(4, dtype=bool)


@settings(max_examples=50, deadline=None)
@given(scored_masks())
def test_it_is_the_share_of_the_positive_importance(scored):
    importance, mask = scored
    inside = sum(float(it) for it in importance[mask] if it > 0)
    outside = sum(float(it) for it in importance[~mask] if it > 0)
    found = score_of(RelevanceMass(), importance, mask)
    if inside + outside:
        assert found == pytest.approx(inside / (inside + outside), rel=1e-12)
    else:
        assert np.isnan(found)


@pytest.mark.parametrize("value", [0, -1])
def test_a_map_without_positive_values_is_undefined(value):
    assert np.isnan(score_of(RelevanceMass(), np.full((4, 4), value, np.float32), MASK))


def test_a_constant_map_is_chance():
    assert score_of(RelevanceMass(), np.full((4, 4), 0.7), MASK) == pytest.approx(0.25)


@pytest.mark.parametrize("scale", [1e-44, 1e-30, 1, 1e38])
def test_very_small_and_very_large_maps_are_alike(scale):
    importance = (np.where(MASK, 3, 1) * np.float32(scale)).astype(np.float32)
    assert score_of(RelevanceMass(), importance, MASK) == pytest.approx(0.5, rel=0.05)
