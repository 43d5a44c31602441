import numpy as np
import pydantic
import pytest
from captum.attr import Occlusion
from scipy.ndimage import gaussian_filter

from ct_importance.plugins import load
from ct_importance.saliency.perturbation.asking import filling
from tests.saliency.networks import conv_network


def test_maps_are_captums(network, slices, maps_of, agree):
    found = maps_of("occlusion", network, window=0.5, stride=0.25, fill="mean")
    expected = Occlusion(network).attribute(
        slices,
        sliding_window_shapes=(1, 32, 32),
        strides=(1, 16, 16),
        baselines=slices.mean((1, 2, 3), keepdim=True).expand_as(slices),
    )
    agree(found, expected[:, 0])


@pytest.mark.parametrize(("fill", "baseline"), [("black", 0.0), ("white", 1.0), (0.3, 0.3)])
def test_windows_cut_off_at_the_edge_are_captums(slices, maps_of, agree, fill, baseline):
    network = conv_network()
    found = maps_of("occlusion", network, window=0.3125, stride=0.25, fill=fill)
    expected = Occlusion(network).attribute(
        slices, sliding_window_shapes=(1, 20, 20), strides=(1, 16, 16), baselines=baseline
    )
    agree(found, expected[:, 0])


@pytest.mark.parametrize(("window", "stride", "steps"), [(0.1, 0.05, 19), (0.3, 0.3, 4), (1, 1, 1)])
@pytest.mark.parametrize("shape", [(64, 64), (37, 50), (5, 3)])
def test_windows_cover_every_pixel_of_any_slice(window, stride, steps, shape):
    estimator = load("estimator", "occlusion")(window=window, stride=stride)
    assert estimator.cost().forward == steps**2 + 1
    covered = np.zeros(shape, int)
    for place in estimator._windows(*shape):
        assert covered[place].size
        covered[place] += 1
    assert covered.min() >= 1


def test_a_stride_that_skips_pixels_is_refused():
    with pytest.raises(pydantic.ValidationError, match="stride: must be at most window"):
        load("estimator", "occlusion")(window=0.1, stride=0.2)


def test_fills():
    image = np.random.default_rng(0).random((1, 56, 56), np.float32)
    assert (filling(image, "white") == 1).all()
    assert (filling(image, 0.25) == np.float32(0.25)).all()
    blurred = gaussian_filter(image[0], 2.5, mode="nearest")
    np.testing.assert_allclose(filling(image, "blur")[0], blurred, atol=1e-6)
    with pytest.raises(pydantic.ValidationError, match="fill"):
        load("estimator", "occlusion")(fill="grey")
