import numpy as np
import pytest
from skimage.segmentation import slic

from ct_importance.saliency.perturbation.parts import parts_of_segments, superpixels
from ct_importance.saliency.xrai.regions import least_new_pixels
from ct_importance.saliency.xrai.segments import segment_image
from tests.metrics.images import smooth_image
from tests.saliency.networks import overlapping_blocks


def assert_division(labels, most):
    numbers = np.unique(labels)
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
    assert len(numbers) <= most


@pytest.mark.parametrize("most", [2, 5, 20, 60, 1000])
def test_segments_give_a_division_into_few_enough_parts(most):
    segments = segment_image(smooth_image((96, 96), seed=1))
    labels = parts_of_segments(segments, most)
    assert labels.shape == (96, 96)
    assert_division(labels, most)
    assert np.bincount(labels.ravel()).min() >= least_new_pixels((96, 96))


def test_the_finest_scale_that_has_few_enough_is_taken():
    segments = overlapping_blocks(32, 32)  # 16 small ones, and 4 large ones
    fine, coarse = parts_of_segments(segments, 16), parts_of_segments(segments, 4)
    assert fine.max() == 15
    assert coarse.max() == 3
    for labels, own in ((fine, segments[:16]), (coarse, segments[16:])):
        for number in range(labels.max() + 1):
            part = labels == number
            assert sum((part <= segment).all() for segment in own) >= 1
    # A block keeps the pixels that no other reaches.
    assert (fine[9:15, 9:15] == fine[10, 10]).all()


def test_what_no_segment_holds_joins_the_nearest_part():
    segments = np.zeros((2, 20, 20), bool)
    segments[0, :8], segments[1, 14:] = True, True
    labels = parts_of_segments(segments, 2)
    assert (labels[:11] == labels[0, 0]).all()
    assert (labels[11:] == labels[19, 0]).all()


def test_an_image_without_segments_is_one_part():
    assert not parts_of_segments(np.zeros((1, 12, 9), bool), 5).any()


def test_superpixels_are_scikit_images_up_to_their_number():
    image = smooth_image((64, 64), seed=2)
    found = superpixels(image, 30)
    expected = slic(image, 30, 0.1, channel_axis=None, start_label=0)
    np.testing.assert_array_equal(found, expected)
    assert_division(superpixels(image, 4), 4)
