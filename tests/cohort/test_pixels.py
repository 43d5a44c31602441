import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom.uid import ExplicitVRBigEndian, RLELossless

from scripts.cohort.dicom_header import RejectedFile
from scripts.cohort.pixels import (
    AIR_HU,
    read_hounsfield,
    resize_slice,
    to_standard_orientation,
    to_unit_range,
)
from tests.cohort.dicom_files import COLUMNS, ROWS, picture, write_ct


def hounsfield_of(path, stored: np.ndarray, **wanted) -> np.ndarray:
    return read_hounsfield(write_ct(path / "slice.dcm", stored=stored, **wanted))[0]


# Hounsfield units


@pytest.mark.parametrize(("slope", "intercept"), [("1", "-1024"), ("2", "-8192"), ("0.5", "0")])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_hounsfield_units_are_stored_values_times_slope_plus_intercept(
    tmp_path, slope, intercept, dtype
):
    stored = picture().astype(dtype)
    stored[0, :2] = (0, 32767)

    hounsfield = hounsfield_of(tmp_path, stored, RescaleSlope=slope, RescaleIntercept=intercept)

    assert hounsfield.dtype == np.float32
    np.testing.assert_allclose(
        hounsfield, stored.astype(float) * float(slope) + float(intercept), rtol=1e-6
    )


def test_signed_values_below_zero_and_unsigned_ones_above_32767_keep_their_sign(tmp_path):
    signed = np.full((ROWS, COLUMNS), -500, np.int16)
    unsigned = np.full((ROWS, COLUMNS), 40000, np.uint16)

    assert (hounsfield_of(tmp_path, signed, RescaleIntercept="0") == -500).all()
    assert (hounsfield_of(tmp_path, unsigned, RescaleIntercept="0") == 40000).all()


@pytest.mark.parametrize("syntax", [RLELossless, ExplicitVRBigEndian], ids=lambda it: it.name)
def test_other_transfer_syntaxes_give_the_same_pixels(tmp_path, syntax):
    plain, _ = read_hounsfield(write_ct(tmp_path / "plain", stored=picture()))
    other, _ = read_hounsfield(write_ct(tmp_path / "other", syntax, stored=picture()))

    np.testing.assert_array_equal(plain, other)


@pytest.mark.parametrize(
    ("dtype", "padding", "in_padding"),
    [
        (np.uint16, {"PixelPaddingValue": 0}, [0]),
        (np.uint16, {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 10}, [0, 5, 10]),
        (np.uint16, {"PixelPaddingValue": 10, "PixelPaddingRangeLimit": 0}, [0, 5, 10]),
        (np.int16, {"PixelPaddingValue": 63536}, [-2000]),
        (np.int16, {"PixelPaddingValue": b"\x30\xf8"}, [-2000]),
        (np.int16, {"PixelPaddingValue": 63536, "PixelPaddingRangeLimit": 63541}, [-2000, -1995]),
        (np.uint16, {"PixelPaddingValue": 63536}, [63536]),
    ],
    ids=str,
)
def test_padding_becomes_air_and_nothing_else_does(tmp_path, dtype, padding, in_padding):
    values = [0, 5, 10, 11, 1000, 63536 if dtype == np.uint16 else -2000, *in_padding]
    stored = np.full((ROWS, COLUMNS), 1024, dtype)
    stored[0, : len(values)] = values

    hounsfield = hounsfield_of(tmp_path, stored, **padding)

    expected = np.where(np.isin(stored, in_padding), AIR_HU, stored.astype(float) - 1024)
    np.testing.assert_array_equal(hounsfield, expected)


def test_without_a_padding_value_the_lowest_pixels_stay(tmp_path):
    assert (hounsfield_of(tmp_path, np.zeros((ROWS, COLUMNS), np.uint16)) == -1024).all()


def test_pixels_that_cannot_be_decoded_are_rejected_without_a_word_of_their_content(tmp_path):
    path = write_ct(tmp_path / "fault.dcm", RLELossless, PatientName="Quill")
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(RejectedFile, match=r"^pixels cannot be decoded \(\w+\)$"):
        read_hounsfield(path)


# Orientation: a picture with the patient's left, back and left back marked

STANDARD = np.array([[0, 1, 2], [3, 4, 5]])
"""Columns run to the patient's left, rows to the back: 2 is left in front, 3 right at the back."""

ORIENTATIONS = {
    "standard": ([1, 0, 0, 0, 1, 0], STANDARD),
    "rows run to the front": ([1, 0, 0, 0, -1, 0], STANDARD[::-1]),
    "columns run to the right": ([-1, 0, 0, 0, 1, 0], STANDARD[:, ::-1]),
    "prone": ([-1, 0, 0, 0, -1, 0], STANDARD[::-1, ::-1]),
    "transposed": ([0, 1, 0, 1, 0, 0], STANDARD.T),
    "lying on the left side": ([0, 1, 0, -1, 0, 0], STANDARD.T[::-1]),
    "lying on the right side": ([0, -1, 0, 1, 0, 0], STANDARD.T[:, ::-1]),
    "transposed and prone": ([0, -1, 0, -1, 0, 0], STANDARD.T[::-1, ::-1]),
    "tilted gantry": ([1, 0, 0, 0, 0.94, -0.34], STANDARD),
    "turned a little": ([0.98, 0.2, 0, -0.2, 0.98, 0], STANDARD),
}


@pytest.mark.parametrize(("orientation", "stored"), ORIENTATIONS.values(), ids=list(ORIENTATIONS))
def test_left_and_back_of_the_patient_come_to_the_same_place(orientation, stored):
    np.testing.assert_array_equal(to_standard_orientation(stored, orientation), STANDARD)


@given(
    arrays(np.int8, (3, 4), unique=True),
    st.sampled_from([[1, 0], [-1, 0], [0, 1], [0, -1]]),
    st.sampled_from([1, -1]),
)
def test_each_pixel_lands_where_its_coordinates_say(stored, along_columns, hand):
    along_rows = [-along_columns[1] * hand, along_columns[0] * hand]
    oriented = to_standard_orientation(stored, [*along_columns, 0, *along_rows, 0])

    place = {
        stored[row, column]: np.multiply(along_columns, column) + np.multiply(along_rows, row)
        for row in range(3)
        for column in range(4)
    }
    first = place[oriented[0, 0]]
    for (row, column), value in np.ndenumerate(oriented):
        assert tuple(place[value] - first) == (column, row)


# Window


def test_the_window_runs_from_black_to_white():
    hounsfield = np.array([-3000, -1000, -300, 400, 3000])

    np.testing.assert_array_equal(to_unit_range(hounsfield, (-1000, 400)), [0, 0, 0.5, 1, 1])


# Size


def test_a_mask_is_resized_by_nearest_neighbour_and_stays_a_mask():
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:32] = True

    resized = resize_slice(mask, (1, 1), 32)

    assert resized.dtype == bool
    np.testing.assert_array_equal(resized, mask[::2, ::2])


def test_an_image_is_smoothed_before_it_is_made_smaller():
    stripes = np.tile(np.array([0, 1], np.float32), (64, 32))

    resized = resize_slice(stripes, (1, 1), 16)

    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized[2:-2, 2:-2], 0.5, atol=0.01)


@given(st.integers(0, 1000), st.sampled_from([16, 32, 48]))
def test_resizing_keeps_the_mean_and_the_range(number, size):
    image = np.random.default_rng(number).random((48, 48), dtype=np.float32)

    resized = resize_slice(image, (0.7, 0.7), size)

    assert resized.mean() == pytest.approx(image.mean(), abs=0.02)
    assert image.min() <= resized.min() <= resized.max() <= image.max()


def test_a_slice_of_the_wanted_size_stays_as_it_is():
    image = np.random.default_rng(0).random((32, 32), dtype=np.float32)

    np.testing.assert_allclose(resize_slice(image, (1, 1), 32), image, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "spacing", "filled"),
    [
        ((40, 40), (2.0, 1.0), (slice(None), slice(8, 24))),
        ((40, 40), (1.0, 2.0), (slice(8, 24), slice(None))),
        ((40, 80), (2.0, 1.0), (slice(None), slice(None))),
        ((20, 40), (1.0, 1.0), (slice(8, 24), slice(None))),
    ],
)
@pytest.mark.parametrize("dtype", [bool, np.float32])
def test_proportions_in_millimetres_are_kept_and_the_rest_is_black(shape, spacing, filled, dtype):
    expected = np.zeros((32, 32), dtype)
    expected[filled] = 1

    np.testing.assert_array_equal(resize_slice(np.ones(shape, dtype), spacing, 32), expected)


def test_a_very_long_slice_keeps_a_line_at_least():
    assert resize_slice(np.ones((2, 400), np.float32), (1, 1), 32).sum() == 32
