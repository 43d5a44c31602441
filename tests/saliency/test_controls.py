"""Maps that know nothing of the classifier."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import sobel

from ct_importance.errors import InputError
from ct_importance.saliency.explain import importance_of
from tests.saliency.networks import conv_network


def explain(case, images) -> np.ndarray:
    """Maps (N, H, W)."""
    return np.asarray(importance_of(case.estimator, case.batch(conv_network(), images)))[:, 0]


def test_edges_are_those_of_each_slice(make_case):
    images = torch.zeros(5, 1, 32, 32)
    images[:, :, :, 16:] = torch.linspace(0.2, 1, 5)[:, None, None, None]

    maps = explain(make_case("sobel_edges"), images)

    assert (maps[:, :, [15, 16]] > 0).all()
    assert not maps[:, :, :15].any()
    assert not maps[:, :, 17:].any()
    # A filter of Sobel is 4 times the difference of the neighbours.
    np.testing.assert_allclose(maps[:, 9, 15], 4 * images[:, 0, 9, 20])


def test_edges_have_no_direction(images, make_case):
    maps = explain(make_case("sobel_edges"), images)
    plain = images[:, 0].numpy().astype(np.float64)
    expected = np.hypot(sobel(plain, axis=1), sobel(plain, axis=2))
    # Across slices nothing is smoothed.
    alone = [np.hypot(sobel(one, axis=0), sobel(one, axis=1)) for one in plain]
    np.testing.assert_allclose(maps, alone, rtol=1e-4, atol=1e-6)
    assert not np.allclose(maps, expected[::-1])
    turned = explain(make_case("sobel_edges"), images.transpose(2, 3).contiguous())
    np.testing.assert_allclose(turned.transpose(0, 2, 1), maps, rtol=1e-5)


@pytest.mark.parametrize("sigma", [0.1, 0.5])
def test_the_centre_is_the_centre(images, make_case, sigma):
    images = images[:, :, :24]
    maps = explain(make_case("centre", sigma=sigma), images)

    assert (maps == maps[0]).all()
    for axis in (1, 2):
        np.testing.assert_array_equal(np.flip(maps, axis), maps)
    rows = np.log(maps[0, :, 16])
    steps = (np.arange(24) - 11.5) / (24 * sigma)
    np.testing.assert_allclose(
        rows - rows.max(), (0.5 / (24 * sigma)) ** 2 / 2 - steps**2 / 2, atol=1e-4
    )


def test_the_mean_mask_is_the_mean_of_the_masks(images, make_case):
    case = make_case("mean_mask")
    maps = explain(case, images)
    masks = case.batch(conv_network(), images).masks_of_training()
    np.testing.assert_allclose(maps, np.broadcast_to(masks.mean(0), maps.shape), rtol=1e-6)


def test_without_masks_of_training_patients_there_is_no_mean(images, make_case):
    case = replace(make_case("mean_mask"), training_masks=lambda: np.empty((0, 0, 0), bool))
    with pytest.raises(InputError, match="mean_mask: needs masks of training slices"):
        explain(case, images)
