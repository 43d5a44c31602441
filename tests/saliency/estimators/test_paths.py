"""Estimators along other paths, against the package of their authors."""

import functools

import numpy as np
import pytest
import saliency.core as authors
import torch

from ct_importance.saliency.explain import importance_of
from tests.saliency.networks import conv_network


@pytest.fixture
def network():
    return conv_network().double()


@pytest.fixture
def images(images):
    return images.double()


def gradients(network):
    """What the authors' package asks of a network whose logit is explained: (N, H, W, 1)."""

    def call(points, call_model_args=None, expected_keys=None):
        x = torch.from_numpy(np.asarray(points)).permute(0, 3, 1, 2).requires_grad_()
        (found,) = torch.autograd.grad(network(x).sum(), x)
        return {authors.INPUT_OUTPUT_GRADIENTS: found.permute(0, 2, 3, 1).numpy()}

    return call


def assert_equal(found, method, network, images, **options):
    for x, one in zip(images, found, strict=True):
        expected = method.GetMask(x.permute(1, 2, 0).numpy(), gradients(network), **options)[..., 0]
        assert np.abs(expected).max() > 0
        np.testing.assert_allclose(one[0], expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("sigma", "steps"), [(50, 10), (4, 7)])
def test_blur_ig_is_its_authors(network, images, make_case, sigma, steps):
    case = make_case("blur_ig", sigma=sigma, steps=steps)
    found = importance_of(case.estimator, case.batch(network, images))
    assert_equal(found, authors.BlurIG(), network, images, max_sigma=sigma, steps=steps)


@pytest.mark.parametrize(
    ("fraction", "distance"), [(0.25, 0.02), (0.1, 0.3), (0.5, 1.0), (0.25, 0.0)]
)
def test_guided_ig_is_its_authors(network, images, make_case, monkeypatch, fraction, distance):
    case = make_case("guided_ig", steps=8, fraction=fraction, max_distance=distance)
    found = importance_of(case.estimator, case.batch(network, images))

    # They call it as NumPy did before version 2.4.
    plain = np.quantile

    @functools.wraps(plain)
    def quantile(*args, interpolation=None, **others):
        return plain(*args, **({"method": interpolation} if interpolation else {}), **others)

    monkeypatch.setattr(np, "quantile", quantile)
    options = {"x_steps": 8, "fraction": fraction, "max_dist": distance}
    assert_equal(found, authors.GuidedIG(), network, images, **options)


def test_blur_ig_becomes_complete_as_steps_grow(network, images, make_case):
    """The sum is S(x) - S(blurred)."""
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(images.numpy(), 6, mode="constant", axes=(2, 3))
    expected = (network(images) - network(torch.from_numpy(blurred)))[:, 0]
    gaps = []
    for steps in (10, 80):
        case = make_case("blur_ig", sigma=6, steps=steps, images_per_pass=64)
        found = importance_of(case.estimator, case.batch(network, images))
        gaps.append((found.sum((1, 2, 3)) - expected).abs().max().item())
    assert gaps[1] < gaps[0] / 3
