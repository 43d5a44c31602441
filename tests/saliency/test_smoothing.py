"""Any estimator can be smoothed, squared and blurred."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from ct_importance.plugins import load
from ct_importance.saliency.explain import compute_maps, importance_of
from tests.saliency.networks import conv_network

SOME = {"backpropagation", "expected_gradients", "integrated_gradients"}
SMOOTH = {"samples": 4, "noise": 0.3}


def test_it_is_the_mean_over_copies_with_the_noise_of_each_slice(images, make_case):
    """A stub that gives back what it is shown: the noise is then what is left."""
    case = make_case("random", smooth={"samples": 400, "noise": 0.2})

    class Showing(type(case.estimator)):
        def attribute(self, batch):
            shown.append(batch.images)
            return batch.images

    shown = []
    estimator = Showing(**case.estimator.model_dump())
    batch = case.batch(conv_network(), images)
    found = importance_of(estimator, batch)

    assert len(shown) == 400
    noise = np.stack(shown) - images.numpy()
    ranges = (images.amax((1, 2, 3)) - images.amin((1, 2, 3))).numpy()
    np.testing.assert_allclose(noise.std(axis=(0, 2, 3, 4)), 0.2 * ranges, rtol=0.01)
    np.testing.assert_allclose(found, np.mean(shown, axis=0), atol=1e-6)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.05


@pytest.mark.parametrize(
    "method", ["backpropagation", "expected_gradients", "integrated_gradients"]
)
def test_it_depends_on_no_batch(method, make_case, images):
    network, options = conv_network(), {"smooth": SMOOTH}
    together = make_case(method, **options)
    maps = importance_of(together.estimator, together.batch(network, images))
    alone = make_case(method, slice_ids=["slice 3"], **options)
    found = importance_of(alone.estimator, alone.batch(network, images[3:4]))
    torch.testing.assert_close(found[0], maps[3], rtol=1e-4, atol=1e-6)


def test_what_it_costs_and_that_nothing_is_shared():
    estimator = load("estimator", "integrated_gradients")(steps=5, smooth=SMOOTH)
    assert estimator.passes == (20, 20)
    assert estimator.works == {}
    assert estimator.model_copy(update={"smooth": None}).works


def test_a_blurred_map(make_case, images):
    case, blurred = make_case("backpropagation"), make_case("backpropagation", blur=1.5)
    network = conv_network()
    ((_, plain),) = compute_maps(case.estimator, [case.batch(network, images)])
    ((_, found),) = compute_maps(blurred.estimator, [blurred.batch(network, images)])
    expected = [gaussian_filter(importance, 1.5, mode="nearest") for importance in plain]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)
