from pathlib import Path

import numpy as np
import pytest
import skimage.transform
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from ct_importance.cohort.pixels import (
    AIR_HU,
    read_hounsfield,
    resize_slice,
    to_standard_orientation,
    to_unit_range,
)
from ct_importance.cohort.rejection import RejectedFile
from tests.cohort.dicom_files import COLUMNS, ROWS, ct_dataset, picture, save, write_ct


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


SYNTAXES = [
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
]


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda it: it.name)
def test_other_transfer_syntaxes_give_the_same_pixels(tmp_path, syntax, dtype):
    stored = picture(rows=64, columns=64).astype(dtype)
    if dtype == np.int16:
        stored -= 500
    plain, _ = read_hounsfield(write_ct(tmp_path / "plain", stored=stored))
    other, _ = read_hounsfield(write_ct(tmp_path / "other", syntax, stored=stored))

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
    content = path.read_bytes()
    segments = content.index((2).to_bytes(4, "little") + (64).to_bytes(4, "little"))
    path.write_bytes(content[:segments] + b"\3" + content[segments + 1 :])

    with pytest.raises(RejectedFile, match=r"^pixels cannot be decoded: damaged$"):
        read_hounsfield(path)


# Hounsfield units that could be wrong


def rejection(path: Path) -> str:
    with pytest.raises(RejectedFile) as reason:
        read_hounsfield(path)
    return str(reason.value)


MORE_BITS = "pixel values need more bits than BitsStored"
IMPLAUSIBLE = "Hounsfield units are implausible: "


def twelve_bits(**changes: object) -> dict:
    return {"BitsStored": 12, "HighBit": 11, **changes}


def test_values_in_unused_bits_are_not_taken_for_pixels(tmp_path):
    stored = picture()
    stored[3, 4] |= 0x1000
    path = write_ct(tmp_path / "a", stored=stored, **twelve_bits())

    assert rejection(path) == MORE_BITS


def test_overlays_in_unused_bits_are_removed(tmp_path):
    stored = picture()
    stored[3, 4] |= 0x1000
    path = tmp_path / "a"
    dataset = ct_dataset(stored=stored, **twelve_bits())
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 12)
    save(path, dataset)

    np.testing.assert_array_equal(read_hounsfield(path)[0], picture() - 1024.0)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_padding_may_lie_beyond_bits_stored(tmp_path, dtype):
    stored = picture().astype(dtype)
    padding = 63536 if dtype == np.uint16 else -20000
    stored[0] = padding
    hounsfield = hounsfield_of(tmp_path, stored, **twelve_bits(PixelPaddingValue=padding))

    assert (hounsfield[0] == AIR_HU).all()
    np.testing.assert_array_equal(hounsfield[1:], stored[1:] - 1024.0)


def test_signed_values_without_their_sign_in_the_unused_bits_are_set_aside(tmp_path):
    stored = picture().astype(np.int16)
    stored[0] = 0x0FFF

    assert rejection(write_ct(tmp_path / "a", stored=stored, **twelve_bits())) == MORE_BITS


def test_values_below_padding_stay_and_show_black(tmp_path):
    stored = picture().astype(np.int16)
    stored[0, :2] = (-2000, -2001)
    hounsfield = hounsfield_of(tmp_path, stored, PixelPaddingValue=-2000)

    assert list(hounsfield[0, :2]) == [AIR_HU, -3025]
    assert list(to_unit_range(hounsfield[0, :2], (-1000, 400))) == [0, 0]


def test_padding_that_could_be_tissue_is_set_aside(tmp_path):
    stored = picture()
    stored[0, 0] = 1024
    path = write_ct(tmp_path / "a", stored=stored, PixelPaddingValue=1024)

    assert rejection(path) == IMPLAUSIBLE + "pixels of PixelPaddingValue could be tissue"


def test_the_display_of_monochrome_1_does_not_change_hounsfield_units(tmp_path):
    hounsfield = hounsfield_of(tmp_path, picture(), PhotometricInterpretation="MONOCHROME1")

    np.testing.assert_array_equal(hounsfield, picture() - 1024.0)


def chest(size: int = 128) -> np.ndarray:
    """Return Hounsfield units of air, a ring of soft tissue, lung and a little bone, with noise."""
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    radius = np.hypot(rows, columns)
    ends, values = [0.02, 0.29, 0.3, 0.4], [900, -850, -400, 40]
    hounsfield = np.select([radius < end for end in ends], values, -1000)
    return hounsfield + np.random.default_rng(0).integers(-20, 20, hounsfield.shape)


SCALES = {
    "12 bits": (np.uint16, 1, -1024),
    "signed Hounsfield units": (np.int16, 1, 0),
    "half units": (np.int16, 0.5, 0),
    "extended scale": (np.uint16, 1, -10240),
    "offset by 32768": (np.uint16, 1, -32768),
    "8 bits": (np.uint8, 32, -4096),
}


@pytest.mark.parametrize(("dtype", "slope", "intercept"), SCALES.values(), ids=list(SCALES))
def test_real_scales_are_plausible(tmp_path, dtype, slope, intercept):
    stored = np.round((chest().clip(-1024) - intercept) / slope)
    scale = {"RescaleSlope": str(slope), "RescaleIntercept": str(intercept)}

    hounsfield = hounsfield_of(tmp_path, stored.astype(dtype), **scale)

    np.testing.assert_array_equal(hounsfield, stored * slope + intercept)


def thigh(size: int = 128) -> np.ndarray:
    """Return Hounsfield units of muscle, fat and a bone that fill the slice, with noise."""
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    radius = np.hypot(rows, columns)
    hounsfield = np.select([radius < 0.05, radius < 0.1, radius < 0.45], [150, 1200, 50], -100)
    return hounsfield + np.random.default_rng(0).integers(-20, 20, hounsfield.shape)


def head(size: int = 128) -> np.ndarray:
    """Return Hounsfield units of brain in a thick skull, the air around it cut off at -1000."""
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    radius = np.hypot(rows, columns)
    hounsfield = np.select([radius < 0.36, radius < 0.4], [30, 1300], -1000.0)
    hounsfield[radius < 0.4] += np.random.default_rng(0).integers(-20, 20, (radius < 0.4).sum())
    return hounsfield


PARTS = {"chest": chest, "thigh": thigh, "head": head}


@pytest.mark.parametrize("part", PARTS)
def test_units_of_any_part_of_the_body_are_kept(tmp_path, part):
    stored = np.round(PARTS[part]()).astype(np.int16)

    np.testing.assert_array_equal(hounsfield_of(tmp_path, stored, RescaleIntercept="0"), stored)


DENSE, FAR_BELOW = "too many pixels are as dense as bone", "too many pixels are far below air"
NO_TISSUE = "hardly a pixel is soft tissue"


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        ("chest", {"RescaleIntercept": "0"}, DENSE),
        ("chest", {"RescaleIntercept": "-2048"}, FAR_BELOW),
        ("chest", {"RescaleIntercept": "10240"}, NO_TISSUE),
        ("chest", {"RescaleSlope": "2"}, DENSE),
        ("chest", {"RescaleSlope": "2", "RescaleIntercept": "-2048"}, FAR_BELOW),
        ("chest", {"RescaleSlope": "0.1"}, NO_TISSUE),
        ("thigh", {"RescaleIntercept": "0"}, NO_TISSUE),
        ("thigh", {"RescaleSlope": "2"}, NO_TISSUE),
        ("head", {"RescaleIntercept": "0"}, DENSE),
        ("head", {"RescaleSlope": "2"}, NO_TISSUE),
    ],
    ids=str,
)
def test_units_that_no_part_of_the_body_has_are_set_aside(tmp_path, part, change, reason):
    stored = (PARTS[part]().clip(-1024) + 1024).astype(np.uint16)
    path = write_ct(tmp_path / "a", stored=stored, **change)

    assert rejection(path) == IMPLAUSIBLE + reason


def test_undeclared_padding_is_not_taken_for_air(tmp_path):
    stored = (chest().clip(-1024) + 1024).astype(np.int16)
    stored[:10] = -2000
    path = write_ct(tmp_path / "a", stored=stored, RescaleIntercept="0")
    assert rejection(path) == IMPLAUSIBLE + DENSE

    # As Hounsfield units they are -976, within air.
    stored = np.round(chest()).astype(np.int16)
    stored[:10] = -2000
    assert (hounsfield_of(tmp_path, stored, RescaleIntercept="0")[:10] == -2000).all()
    path = write_ct(tmp_path / "b", stored=stored, RescaleIntercept="1024")
    assert rejection(path) == IMPLAUSIBLE + DENSE


def test_signed_pixels_that_the_header_calls_unsigned_are_set_aside(tmp_path):
    stored = np.round(chest()).astype(np.int16)
    scale = {"RescaleIntercept": "-1024", "PixelRepresentation": 0}
    path = write_ct(tmp_path / "a", stored=stored, **scale)

    assert rejection(path) == f"{IMPLAUSIBLE}values above 32767"


def test_metal_on_the_extended_scale_is_kept(tmp_path):
    stored = np.round(chest() + 10240).astype(np.uint16)
    stored[60:64, 60:64] = 40950

    assert hounsfield_of(tmp_path, stored, RescaleIntercept="-10240").max() == 30710


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


@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (20, 31), (32, 32)])
@pytest.mark.parametrize("dtype", [np.float32, bool])
def test_resizing_is_that_of_scikit_image(shape, dtype):
    pixels = np.random.default_rng(0).random(shape) > 0.5
    image = pixels if dtype is bool else np.random.default_rng(1).random(shape, np.float32)
    size = 32
    inner = tuple(round(size * length / max(shape)) for length in shape)
    options = {"order": 0} if dtype is bool else {"anti_aliasing": True}
    expected = skimage.transform.resize(image, inner, **options)

    resized = resize_slice(image, (1, 1), size)

    top, left = (size - inner[0]) // 2, (size - inner[1]) // 2
    content = resized[top : top + inner[0], left : left + inner[1]]
    np.testing.assert_allclose(content, expected, rtol=0, atol=1e-6)
    assert resized.sum(dtype=float) == pytest.approx(content.sum(dtype=float))


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
