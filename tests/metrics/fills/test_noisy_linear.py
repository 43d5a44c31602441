"""Noisy linear imputation against the definition of its authors, solved densely."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from ct_importance.metrics.fills._neighbours import impute, weighted_sum
from ct_importance.metrics.fills.noisy_linear import NoisyLinear
from ct_importance.metrics.metric import Probe
from tests.metrics.images import random_maps, sample, smooth_image
from tests.quantus_metrics import quantus

EDGE, CORNER = 1 / 6, 1 / 12


def dense(image, masked):
    """Each masked pixel times the weights it has is the weighted sum of its neighbours."""
    height, width = image.shape
    unknown = {tuple(place): number for number, place in enumerate(np.argwhere(masked))}
    matrix, right = np.zeros((len(unknown), len(unknown))), np.zeros(len(unknown))
    for (row, column), number in unknown.items():
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                place = row + down, column + across
                inside = 0 <= place[0] < height and 0 <= place[1] < width
                if not inside or (down, across) == (0, 0):
                    continue
                weight = CORNER if down and across else EDGE
                matrix[number, number] += weight
                if place in unknown:
                    matrix[number, unknown[place]] -= weight
                else:
                    right[number] += weight * image[place]
    found = image.astype(float).copy()
    found[masked] = np.linalg.solve(matrix, right)
    return found


def first_pixels(importance, share):
    count = int(share * importance.size)
    masked = np.zeros(importance.size, bool)
    masked[np.argsort(-importance, axis=None)[:count]] = True
    return masked.reshape(importance.shape)


@pytest.mark.parametrize("shape", [(33, 40), (32, 32), (41, 9)])
@pytest.mark.parametrize("kind", ["noise", "smooth"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98, 0.999])
def test_it_is_equal_to_a_dense_solution(shape, kind, share):
    image = np.clip(smooth_image(shape) + random_maps(shape)["noise"] / 20, 0, 1)
    masked = first_pixels(random_maps(shape, seed=1)[kind], share)
    np.testing.assert_allclose(impute(image, masked), dense(image, masked), rtol=0, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    seed=st.integers(0, 2**32 - 1),
    share=st.floats(0, 1),
    smooth=st.sampled_from([0, 1, 3]),
)
def test_it_is_equal_to_a_dense_solution_for_images_of_any_shape(shape, seed, share, smooth):
    rng = np.random.default_rng(seed)
    image = rng.random(shape)
    masked = first_pixels(gaussian_filter(rng.normal(size=shape), smooth), share)
    if masked.all():
        masked.flat[rng.integers(masked.size)] = False
    np.testing.assert_allclose(impute(image, masked), dense(image, masked), rtol=0, atol=1e-6)


def test_what_is_masked_is_not_read_and_stays_within_what_is_left():
    image = smooth_image((30, 30))
    masked = first_pixels(random_maps((30, 30))["smooth"], 0.6)
    found = impute(np.where(masked, 1e6, image), masked)
    np.testing.assert_array_equal(found, impute(image, masked))
    assert found.min() >= image[~masked].min() - 1e-6
    assert found.max() <= image[~masked].max() + 1e-6


def test_a_ramp_goes_on_where_it_is_masked():
    # Of a linear image each pixel is the mean of its neighbours.
    ramp = np.add.outer(np.arange(20), 2 * np.arange(24)) / 70
    masked = np.zeros(ramp.shape, bool)
    masked[4:16, 5:19] = True
    np.testing.assert_allclose(impute(ramp, masked), ramp, atol=1e-6)


def test_one_grey_value_is_what_is_left():
    masked = np.ones((9, 9), bool)
    masked[3, 4] = False
    assert (impute(np.full((9, 9), 0.25), masked) == 0.25).all()
    assert (impute(np.eye(9), np.zeros((9, 9), bool)) == np.eye(9)).all()


def test_a_sum_of_weights_is_1_inside():
    assert weighted_sum(np.ones((5, 5)))[1:-1, 1:-1] == pytest.approx(1)


def test_the_matrix_is_symmetric():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 11, 8))
    assert (one * weighted_sum(other)).sum() == pytest.approx((other * weighted_sum(one)).sum())


def test_noise_is_added_where_pixels_are_masked_and_the_mean_where_all_are():
    one = sample(smooth_image((64, 64)))
    masks = np.stack([first_pixels(random_maps((64, 64))["noise"], 0.5), np.ones((64, 64), bool)])
    plain, noisy = (NoisyLinear(noise=noise).of(one, Probe(0))(masks) for noise in (0, 0.01))
    added = noisy - plain
    assert (added[0][~masks[0]] == 0).all()
    assert added[0][masks[0]].std() == pytest.approx(0.01, rel=0.1)
    np.testing.assert_allclose(plain[1], one.image.mean(), rtol=1e-6)
    np.testing.assert_allclose(added[0][masks[0]], added[1][masks[0]], atol=1e-6)


@pytest.mark.parametrize("kind", ["noise", "smooth"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_it_is_that_of_quantus(kind, share):
    """Which is that of the authors' road_evaluation."""
    imputation = quantus().functions.perturb_func.noisy_linear_imputation
    image = smooth_image((48, 40)).astype(float)
    masked = first_pixels(random_maps((48, 40), seed=1)[kind], share)
    expected = imputation(image[None], np.flatnonzero(masked), noise=0.0)[0]
    np.testing.assert_allclose(impute(image, masked), expected, rtol=0, atol=1e-6)
