import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ct_importance.errors import InputError
from ct_importance.metrics.catalogue.localisation import dice
from ct_importance.metrics.catalogue.localisation.dice import Dice
from ct_importance.metrics.metric import Probe
from ct_importance.saliency.xrai.regions import Regions, xrai_regions
from ct_importance.saliency.xrai.segments import segment_image
from tests.metrics.images import random_maps, sample, smooth_image
from tests.metrics.summary import summarise_points

PERCENTAGES = np.array(Dice().percentages)


def regions_of(heat):
    values, labels = np.unique(heat, return_inverse=True)
    # Their order does not matter.
    return Regions(len(values) - 1 - labels.reshape(heat.shape), values[::-1])


def thresholded(heat, mask, percentages):
    """Return DSC and shown percentage the plain way."""
    dsc, shown = [], []
    for percentage in percentages:
        region = heat >= np.percentile(heat, 100 - percentage)
        dsc.append(2 * (region & mask).sum() / (region.sum() + mask.sum()))
        shown.append(100 * region.mean())
    return np.array(dsc), np.array(shown)


def test_default_percentages_are_finer_below_10():
    assert PERCENTAGES[0] == 1
    assert PERCENTAGES[-1] == 100
    np.testing.assert_array_equal(np.diff(PERCENTAGES), [0.25] * 36 + [1.0] * 90)


@pytest.mark.parametrize("percentages", [[], [0, 1], [50, 101], [2, 2], [3, 1]])
def test_percentages_must_rise_within_0_and_100(percentages):
    with pytest.raises(ValidationError, match="rising percentages"):
        Dice(percentages=percentages)


def test_dice_by_hand():
    # Regions of 10 %, 20 % and 70 % of the image; the mask is the first half of the second one.
    heat = np.repeat([3.0, 2.0, 1.0], [10, 20, 70]).reshape(10, 10)
    mask = np.zeros(100, bool)
    mask[10:20] = True
    dsc, shown = dice.dice_curve(
        regions_of(heat), mask.reshape(10, 10), np.array([5, 10, 11, 30, 100])
    )
    # 10 % of 100 pixels: NumPy's percentile lies between the two regions.
    np.testing.assert_array_equal(shown, [10, 10, 30, 30, 100])
    np.testing.assert_allclose(dsc, [0, 0, 20 / 40, 20 / 40, 20 / 110])


def test_dice_of_a_map_on_the_mask_is_1():
    mask = np.zeros((40, 40), bool)
    mask[:8, :10] = True
    dsc, shown = dice.dice_curve(regions_of(mask.astype(float)), mask, np.array([2.0, 5.0]))
    np.testing.assert_array_equal(dsc, 1)
    np.testing.assert_array_equal(shown, 5)


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    levels=st.integers(1, 40),
    shape=st.tuples(st.integers(2, 20), st.integers(2, 20)),
    spread=st.sampled_from([1.0, 1e-16, 1e6]),
)
def test_dice_is_that_of_plain_thresholding(seed, levels, shape, spread):
    rng = np.random.default_rng(seed)
    # A small spread around 1 puts levels on neighbouring floats, where rounding decides.
    heat = rng.choice(1 + spread * rng.normal(size=levels), size=shape)
    mask = rng.random(shape) < 0.3
    mask[0, 0] = True
    dsc, shown = dice.dice_curve(regions_of(heat), mask, PERCENTAGES)
    expected_dsc, expected_shown = thresholded(heat, mask, PERCENTAGES)
    np.testing.assert_array_equal(dsc, expected_dsc)
    np.testing.assert_allclose(shown, expected_shown, rtol=1e-14)
    assert (np.diff(shown) >= 0).all()
    assert (shown >= PERCENTAGES - 100 / heat.size).all()


def test_evaluate_thresholds_the_heat_of_every_variant():
    image = smooth_image((96, 96))
    mask = image > np.quantile(image, 0.95)
    segments = segment_image(image)
    maps = random_maps((96, 96))
    points = Dice().evaluate(sample(image, mask, segments=segments), maps, Probe(seed=0))
    assert list(points) == list(maps)
    for kind, importance in maps.items():
        dsc, shown = thresholded(xrai_regions(importance, segments).heat, mask, PERCENTAGES)
        np.testing.assert_array_equal(points[kind]["dsc"], dsc)
        np.testing.assert_allclose(points[kind]["shown_percentage"], shown, rtol=1e-14)


@pytest.mark.parametrize("importance", [np.zeros((20, 20)), np.eye(20)])
def test_empty_mask_is_never_a_hit(importance):
    with pytest.raises(InputError, match="mask is empty"):
        dice.dice_curve(regions_of(importance), np.zeros((20, 20), bool), PERCENTAGES)


def test_summary_is_the_maximum_of_the_mean_curve_not_the_mean_of_maxima():
    rows = pd.DataFrame(
        {
            "slice_id": ["a", "a", "b", "b"] * 2,
            "patient_id": "p",
            "label": 1,
            "variant": ["original"] * 4 + ["absolute"] * 4,
            "percentage": [1.0, 2.0] * 4,
            "dsc": [0.8, 0.2, 0.1, 0.6, 0.5, 0.3, 0.5, 0.7],
            "shown_percentage": [2.0, 4.0, 3.0, 5.0, 1.0, 2.0, 1.0, 2.0],
        }
    )
    summary = summarise_points(Dice(), rows)
    assert summary["variant"].tolist() == ["original", "absolute"]
    np.testing.assert_allclose(summary["value"], [0.45, 0.5])
    # At a tie the smaller percentage counts.
    np.testing.assert_allclose(summary["percentage"], [1.0, 1.0])
    np.testing.assert_allclose(summary["shown_percentage"], [2.5, 1.0])
