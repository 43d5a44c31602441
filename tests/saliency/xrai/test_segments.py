import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from saliency.core.xrai import _get_segments_felzenszwalb
from skimage.morphology import dilation, disk

from ct_importance.errors import InputError
from ct_importance.metrics.catalogue.localisation.dice import dice_curve
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.saliency.xrai.segments import dilate, segment_image
from ct_importance.saliency.xrai.storage import pack_segments, unpack_segments
from tests.metrics.images import smooth_image


@pytest.mark.parametrize(
    ("shape", "radius"),
    [((224, 224), 5), ((260, 224), 5), ((150, 260), 4), ((128, 128), 3), ((96, 96), 2)],
)
def test_segments_are_those_of_the_reference_in_its_order(shape, radius):
    # Below 224 x 224, of the reference with a smaller dilation.
    image = smooth_image(shape)
    reference = np.array(_get_segments_felzenszwalb(image[..., None], dilation_rad=radius))
    np.testing.assert_array_equal(segment_image(image), reference)


@pytest.mark.parametrize("size", [88, 96, 224])
def test_a_perfect_map_finds_a_vessel_in_a_slice_of_any_size(size):
    # Dilated by 5 pixels whatever the size, the vessel of a slice of 88 pixels has twice its area.
    y, x = np.mgrid[:size, :size] / size
    mask = (x - 0.45) ** 2 + (y - 0.55) ** 2 < 0.07**2
    image = np.clip(0.3 * smooth_image((size, size)) + 0.6 * mask, 0, 1)
    regions = xrai_regions(mask.astype(float), segment_image(image))
    dsc, _ = dice_curve(regions, mask, np.arange(1.0, 101))
    assert dsc.max() > 0.7


def test_segments_of_a_small_image_keep_the_empty_ones_of_the_reference():
    image = np.random.default_rng(0).random((12, 17)).astype(np.float32)
    reference = np.array(_get_segments_felzenszwalb(image[..., None], dilation_rad=0))
    assert not reference.any((1, 2)).all()
    np.testing.assert_array_equal(segment_image(image), reference)


def test_segments_depend_on_contrast_alone():
    image = smooth_image((96, 96)).astype(np.float64)
    np.testing.assert_array_equal(segment_image(image), segment_image(image / 4 + 0.5))


def test_constant_image_is_refused():
    with pytest.raises(InputError, match=r"constant \(every pixel is 0.25\)"):
        segment_image(np.full((32, 32), 0.25, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_image_that_is_not_finite_is_refused(value):
    image = smooth_image((32, 32))
    image[3, 4] = value
    with pytest.raises(InputError, match="not finite"):
        segment_image(image)


@settings(max_examples=50, deadline=None)
@given(
    mask=arrays(bool, st.tuples(st.integers(1, 25), st.integers(1, 25))), radius=st.integers(1, 6)
)
def test_dilation_is_that_of_skimage(mask, radius):
    np.testing.assert_array_equal(dilate(mask, radius), dilation(mask, disk(radius)))


@settings(max_examples=50, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 11), st.integers(1, 11))))
def test_packing_is_undone_by_unpacking(segments):
    data = pack_segments(segments)
    unpacked = unpack_segments(data, segments.shape[1:])
    assert unpacked.dtype == bool
    np.testing.assert_array_equal(unpacked, segments)


def test_unpacking_refuses_another_shape():
    data = pack_segments(np.ones((3, 8, 8), bool))
    with pytest.raises(InputError, match=r"no segments of shape .*made from other slices"):
        unpack_segments(data, (8, 9))
