import io

import numpy as np
import pytest
from PIL import Image

from ct_importance.report.explorer.detail import LADDER, level_shares
from ct_importance.report.explorer.levels import (
    encode_bytes,
    encode_curve,
    encode_image,
    encode_values,
    quantise,
    rank_regions,
    reduce_mean,
    reduce_nearest,
    split_greys,
)
from ct_importance.saliency.xrai.regions import Regions
from tests.report.explorer.looking import decode_bytes, decode_numbers

FINEST = level_shares(128, 1.0)


def noise(shape=(40, 50), seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("f4")


@pytest.mark.parametrize(("side", "ratio"), [rung[:2] for rung in LADDER])
def test_levels_hold_the_shares_wanted_in_order_of_importance(side, ratio):
    importance, shares = noise(), level_shares(side, ratio)

    levels, values = quantise(importance, shares)

    np.testing.assert_allclose(np.bincount(levels.ravel()) / levels.size, shares, atol=1 / 2000)
    assert (np.diff(values) > 0).all()
    order = np.argsort(importance, axis=None)
    assert (np.diff(levels.ravel()[order].astype(int)) >= 0).all()


def test_values_come_back_within_the_spread_of_their_level():
    importance = noise()
    levels, values = quantise(importance, FINEST)

    spread = [np.ptp(importance[levels == level]) for level in range(values.size)]
    assert (np.abs(values[levels] - importance) <= np.array(spread)[levels] + 1e-6).all()
    assert np.abs(values[levels] - importance).mean() < 0.02


def test_equal_pixels_share_a_level_and_no_level_is_empty():
    importance = noise()
    importance[:20] = 0

    levels, values = quantise(importance, FINEST)

    assert np.unique(levels[:20]).size == 1
    assert set(levels.ravel()) == set(range(values.size))
    assert abs(values[levels[0, 0]]) < 0.01


def test_a_constant_map_has_one_level():
    levels, values = quantise(np.full((4, 4), 3.5), FINEST)

    assert not levels.any()
    assert values.tolist() == [3.5]


@pytest.mark.parametrize("greys", [256, 601, 1401, 4096])
def test_grey_values_come_back_from_their_bits(greys):
    image = np.random.default_rng(0).random((20, 30)).astype("f4")
    image[0, :2] = 0, 1

    high, low = split_greys(image, greys)

    assert (low is None) == (greys == 256)
    shift = max(0, (greys - 1).bit_length() - 8)
    values = (high.astype(int) << shift) | (0 if low is None else low)
    assert np.abs(values / (greys - 1) - image).max() <= 0.5 / (greys - 1) + 1e-6
    assert (values[0, 0], values[0, 1]) == (0, greys - 1)


def test_images_are_stored_without_loss():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 41), dtype=np.uint8)

    stored = Image.open(io.BytesIO(decode_bytes(encode_image(pixels))))

    np.testing.assert_array_equal(np.asarray(stored)[..., 0], pixels)


def test_values_are_stored_as_little_endian_floats():
    text = encode_values(np.array([1.5, -2.25]))

    assert decode_numbers(text, "<f4").tolist() == [1.5, -2.25]


@pytest.mark.parametrize("size", [1, 2, 12, 13, 1000])
def test_bytes_are_stored_in_text_that_needs_no_escape(size):
    data = np.random.default_rng(size).bytes(size)

    text = encode_bytes(data)

    assert decode_bytes(text)[:size] == data
    assert len(text) <= size * 16 / 13 + 2
    assert not set(text) & set('"\\<')


def test_a_curve_keeps_its_decimals_unless_it_is_too_high_for_them():
    for values in (np.array([-3.21, 0.0, 12.34]), np.array([-32100.0, 0.0, 123400.0])):
        step, text = encode_curve(values, 0.01)
        assert step >= 0.01
        np.testing.assert_allclose(step * decode_numbers(text, "<i2"), values, atol=step / 2 + 1e-9)


def test_regions_are_ranked_by_importance():
    regions = Regions(np.array([[0, 0, 1], [2, 2, 2]]), np.array([5.0, -1.0, 2.0]))

    ranks, values, sizes = rank_regions(regions)

    assert ranks.tolist() == [[2, 2, 0], [1, 1, 1]]
    assert values.tolist() == [-1, 2, 5]
    assert sizes.tolist() == [1, 3, 2]


def test_regions_of_equal_importance_have_one_rank():
    ranks, values, sizes = rank_regions(Regions(np.array([[0, 1, 2]]), np.array([4.0, 4.0, 6.0])))

    assert (ranks.tolist(), values.tolist(), sizes.tolist()) == ([[0, 0, 1]], [4, 6], [2, 1])


def test_more_regions_than_a_byte_holds_are_joined():
    regions = Regions(np.arange(600).reshape(20, 30), np.arange(600.0))

    ranks, values, sizes = rank_regions(regions)

    assert values.size == 256
    assert sizes.sum() == 600
    assert np.abs(values[ranks] - regions.heat).max() <= 1


def test_reduced_images_have_one_shape():
    image = np.arange(35.0).reshape(5, 7)

    assert reduce_mean(image, 1) is image
    assert reduce_mean(image, 2).shape == reduce_nearest(image, 2).shape == (3, 4)
    assert reduce_mean(image, 2)[0, 0] == (0 + 1 + 7 + 8) / 4
    assert reduce_mean(image, 2)[2, 3] == 34
