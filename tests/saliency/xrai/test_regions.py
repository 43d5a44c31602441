import numpy as np
import pytest
from saliency.core import XRAI, XRAIParameters

from ct_importance.errors import InputError
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.saliency.xrai.segments import segment_image
from tests.metrics.images import random_maps, smooth_image


def xrai_heat(importance, segments):
    return xrai_regions(importance, segments).heat


def reference_heat(image, importance, segments=None, least=50):
    parameters = XRAIParameters()
    parameters.experimental_params["min_pixel_diff"] = least
    return XRAI().GetMask(
        image[..., None],
        None,
        base_attribution=importance[..., None],
        segments=segments,
        extra_parameters=parameters,
    )


@pytest.mark.parametrize("kind", ["noise", "smooth", "squared"])
def test_heat_is_that_of_the_reference_which_segments_for_every_map(kind):
    image = smooth_image((224, 224), seed=1)
    importance = random_maps((224, 224), seed=2)[kind]
    heat = xrai_heat(importance, segment_image(image))
    np.testing.assert_allclose(heat, reference_heat(image, importance), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("size", "least"), [(88, 8), (96, 9), (128, 16)])
@pytest.mark.parametrize("kind", ["noise", "smooth", "squared"])
def test_in_small_images_fewer_new_pixels_are_enough(size, least, kind):
    image = smooth_image((size, size), seed=1)
    importance = random_maps((size, size), seed=2)[kind]
    segments = segment_image(image)
    reference = reference_heat(image, importance, list(segments), least)
    np.testing.assert_allclose(xrai_heat(importance, segments), reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(224, 224), (512, 384)])
def test_heat_of_float32_maps_is_that_of_the_reference(shape):
    image = smooth_image(shape, seed=3)
    segments = segment_image(image)
    for importance in random_maps(shape, seed=4).values():
        importance = (importance / np.abs(importance).max()).astype(np.float32)
        reference = reference_heat(image, importance, list(segments))
        np.testing.assert_allclose(xrai_heat(importance, segments), reference, rtol=0, atol=1e-6)


def test_heat_of_a_map_with_ties_is_that_of_the_reference():
    image = smooth_image((224, 224), seed=5)
    segments = segment_image(image)
    importance = (random_maps((224, 224), seed=6)["smooth"] > 0.1).astype(np.float64)
    reference = reference_heat(image, importance, list(segments))
    np.testing.assert_array_equal(xrai_heat(importance, segments), reference)


def rectangles(*boxes, shape=(20, 20)):
    segments = np.zeros((len(boxes), *shape), bool)
    for segment, (top, bottom, left, right) in zip(segments, boxes, strict=True):
        segment[top:bottom, left:right] = True
    return segments


def test_ties_go_to_the_first_segment():
    # Both segments have mean 1/2. The first one taken keeps it; the other is left with its rest.
    importance = np.zeros((20, 20))
    importance[:, 5:10] = 1
    segments = rectangles((0, 20, 0, 10), (0, 20, 5, 15))
    first = xrai_heat(importance, segments)
    assert (first[:, :10] == 0.5).all()
    assert (first[:, 10:] == 0).all()
    other = xrai_heat(importance, segments[::-1])
    assert (other[:, 5:15] == 0.5).all()
    assert (other[:, :5] == 0).all()


@pytest.mark.parametrize(
    ("size", "width", "kept"),
    [(224, 5, True), (224, 4, False), (400, 4, False), (112, 2, True), (112, 1, False)],
)
def test_segments_that_add_too_few_pixels_are_dropped(size, width, kept):
    # 50 pixels of 224 x 224 and more; of 112 x 112, a quarter of them.
    importance = np.zeros((size, size))
    importance[:10, :width] = 1
    heat = xrai_heat(importance, rectangles((0, 10, 0, width), shape=(size, size)))
    rest = importance.sum() / size**2
    assert heat[0, 0] == (1 if kept else rest)


def test_uncovered_pixels_get_their_mean():
    importance = np.arange(400.0).reshape(20, 20)
    heat = xrai_heat(importance, rectangles((0, 10, 0, 20)))
    assert (heat[:10] == importance[:10].mean()).all()
    assert (heat[10:] == importance[10:].mean()).all()


def test_constant_map_is_one_region():
    segments = segment_image(smooth_image((96, 96)))
    assert (xrai_heat(np.full((96, 96), 0.1), segments) == 0.1).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_map_that_is_not_finite_is_refused(value):
    importance = np.zeros((20, 20))
    importance[3, 4] = value
    with pytest.raises(InputError, match="not finite"):
        xrai_heat(importance, rectangles((0, 10, 0, 20)))
