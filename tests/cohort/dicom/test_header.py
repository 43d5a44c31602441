import errno
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

from ct_importance.cohort.dicom.decoding import pixel_data_digest
from ct_importance.cohort.dicom.file import HEAD_BYTES
from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.dicom.values import KEYWORDS, TAGS, HeaderValues
from ct_importance.cohort.pixels import read_hounsfield
from ct_importance.cohort.rejection import RejectedFile
from tests.cohort.dicom_files import COLUMNS, ROWS, ct_dataset, picture, save, write_ct

UNKNOWN = "Hounsfield units are unknown"
COLOUR = "colour image"
SKEWED = "ImageOrientationPatient is not a pair of orthogonal unit vectors"


def rejection(path: Path, read: object = read_header) -> str:
    with pytest.raises(RejectedFile) as reason:
        read(path)
    return str(reason.value)


def raising(error: Exception) -> Callable:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def tilted(degrees: float) -> list[float]:
    angle = np.deg2rad(degrees)
    return [1, 0, 0, 0, round(float(np.cos(angle)), 6), round(float(-np.sin(angle)), 6)]


# What makes Hounsfield units unknown: both readers say so

BAD_UNITS = {
    "slope absent": ({"without": ("RescaleSlope",)}, f"no RescaleSlope: {UNKNOWN}"),
    "slope empty": ({"RescaleSlope": b""}, f"no RescaleSlope: {UNKNOWN}"),
    "slope infinite": ({"RescaleSlope": b"inf "}, f"RescaleSlope is not a number: {UNKNOWN}"),
    "slope huge": ({"RescaleSlope": "1000"}, f"RescaleSlope is implausible: {UNKNOWN}"),
    "slope tiny": ({"RescaleSlope": "0.001"}, f"RescaleSlope is implausible: {UNKNOWN}"),
    "slope negative": ({"RescaleSlope": "-1"}, f"RescaleSlope is implausible: {UNKNOWN}"),
    "intercept huge": (
        {"RescaleIntercept": "1000000"},
        f"RescaleIntercept is implausible: {UNKNOWN}",
    ),
    "unspecified units": ({"RescaleType": "US"}, "RescaleType is not HU"),
    "electron density": ({"RescaleType": "ED"}, "RescaleType is not HU"),
    "table": (
        {"ModalityLUTSequence": []},
        f"a table (ModalityLUTSequence) in place of RescaleSlope: {UNKNOWN}",
    ),
    "very lossy": (
        {"LossyImageCompressionRatio": "100"},
        "lossy compression beyond 30:1: Hounsfield units are far off",
    ),
    "high bit": (
        {"BitsStored": 12, "HighBit": 15},
        "HighBit is not BitsStored - 1: which bits hold the pixel is unclear",
    ),
    "bits stored": ({"BitsStored": 17}, "BitsStored is not between 1 and BitsAllocated"),
    "bits allocated": ({"BitsAllocated": 12}, "BitsAllocated is not 8, 16 or 32"),
    "sign absent": ({"without": ("PixelRepresentation",)}, "no PixelRepresentation"),
    "sign 2": ({"PixelRepresentation": 2}, "PixelRepresentation is neither 0 nor 1"),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, COLOUR),
    "interpretation absent": (
        {"without": ("PhotometricInterpretation",)},
        "no PhotometricInterpretation",
    ),
    "samples absent": ({"without": ("SamplesPerPixel",)}, "no SamplesPerPixel"),
    "rows absent": ({"without": ("Rows",)}, "no Rows"),
    "rows 0": ({"Rows": 0}, "Rows is not between 1 and 4096"),
    "columns huge": ({"Columns": 65535}, "Columns is not between 1 and 4096"),
    "row too many": ({"Rows": ROWS + 1}, "truncated: pixel data are shorter than the header says"),
    "row too few": ({"Rows": ROWS - 1}, "pixel data are longer than the header says"),
    "column too few": ({"Columns": COLUMNS - 1}, "pixel data are longer than the header says"),
}


@pytest.mark.parametrize("read", [read_header, read_hounsfield])
@pytest.mark.parametrize(("changes", "reason"), BAD_UNITS.values(), ids=list(BAD_UNITS))
def test_unknown_units_are_set_aside(tmp_path, changes, reason, read):
    assert rejection(write_ct(tmp_path / "a", **changes), read) == reason


@pytest.mark.parametrize(
    "changes",
    [
        {"RescaleType": "HU "},
        {"RescaleType": b""},
        {"without": ("HighBit",)},
        {"without": ("Modality",)},
        {"LossyImageCompressionRatio": "10"},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"RescaleSlope": b"001.000000E+00"},
        {"RescaleSlope": "0.5"},
        {"KVP": b"nan "},
    ],
    ids=str,
)
def test_what_leaves_units_known_is_kept(tmp_path, changes):
    path = write_ct(tmp_path / "a", stored=picture(), **changes)
    slope = float(changes.get("RescaleSlope", 1))

    read_header(path)

    np.testing.assert_array_equal(read_hounsfield(path)[0], picture() * slope - 1024.0)


@pytest.mark.parametrize("value", [b"120\\140 ", b"120kV ", b"A12 ", b"1_0 "])
@pytest.mark.parametrize("keyword", ["KVP", "InstanceNumber"])
def test_a_malformed_value_that_only_settles_ties_does_not_cost_the_slice(tmp_path, keyword, value):
    header = read_header(write_ct(tmp_path / "a", **{keyword: value}))

    assert (header.kvp, header.instance_number) == ((0.0, 1) if keyword == "KVP" else (120.0, 0))


@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("RescaleSlope", b"one ", "is not a number"),
        ("RescaleSlope", b"1\\1 ", "has several values"),
        ("NumberOfFrames", b"1.5 ", "is not a whole number"),
        ("NumberOfFrames", b"1e99", "is not a whole number"),
        ("Columns", b"1234", "does not have two bytes"),
    ],
)
def test_the_reason_names_the_element_and_not_its_value(tmp_path, keyword, value, reason):
    found = rejection(write_ct(tmp_path / "a", **{keyword: value}))

    assert keyword in found
    assert reason in found
    assert value.decode().strip() not in found


def test_pixel_data_may_be_filled_up(tmp_path):
    stored = picture(rows=5, columns=5).astype(np.uint8)
    dataset = ct_dataset(stored=stored, RescaleSlope="8")
    dataset.PixelData = stored.tobytes() + b"\0"

    hounsfield, _ = read_hounsfield(save(tmp_path / "a", dataset))

    np.testing.assert_array_equal(hounsfield, stored * 8.0 - 1024)


def test_pixels_that_are_no_whole_numbers_are_set_aside(tmp_path):
    dataset = ct_dataset(without=("PixelData",))
    dataset.FloatPixelData = picture().astype(np.float32).tobytes()

    assert rejection(save(tmp_path / "a", dataset)) == "no pixel data of whole numbers"


# Kind of image


def test_a_single_word_of_image_type_counts(tmp_path):
    assert rejection(write_ct(tmp_path / "a", ImageType="LOCALIZER")) == "localizer"


def test_another_modality_is_set_aside(tmp_path):
    assert rejection(write_ct(tmp_path / "a", Modality="PT")) == "Modality is not CT"


@pytest.mark.parametrize("keyword", ["SOPClassUID", "transfer syntax"])
def test_text_in_place_of_a_uid_is_not_quoted(tmp_path, keyword):
    path = write_ct(tmp_path / "a")
    uid = b"1.2.840.10008.5.1.4.1.1.2\0" if keyword == "SOPClassUID" else b"1.2.840.10008.1.2.1\0"
    content = path.read_bytes()
    end = content.rindex(uid)
    path.write_bytes(content[:end] + b"Quill".ljust(len(uid)) + content[end + len(uid) :])

    assert "Quill" not in rejection(path)
    assert "unknown" in rejection(path)


# Geometry


@pytest.mark.parametrize("degrees", [-30, -10, 0, 25, 30.9])
def test_a_tilted_gantry_is_kept(tmp_path, degrees):
    path = write_ct(tmp_path / "a", ImageOrientationPatient=tilted(degrees))

    assert read_header(path).orientation == pytest.approx(tilted(degrees))


@pytest.mark.parametrize("degrees", [-45, 31.1, 60, 90])
def test_a_plane_tilted_more_than_a_gantry_is_set_aside(tmp_path, degrees):
    path = write_ct(tmp_path / "a", ImageOrientationPatient=tilted(degrees))

    assert rejection(path) == "not axial"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PixelSpacing": [-1, 1]}, "no valid PixelSpacing"),
        ({"PixelSpacing": [1, 0]}, "no valid PixelSpacing"),
        ({"PixelSpacing": b"nan\\1 "}, "no valid PixelSpacing"),
        ({"PixelSpacing": b"1e300\\1 "}, "no valid PixelSpacing"),
        ({"PixelSpacing": b"1e-9\\1"}, "no valid PixelSpacing"),
        ({"PixelSpacing": [1, 1, 1]}, "no valid PixelSpacing"),
        ({"PixelSpacing": [0.5, 2.5]}, "no valid PixelSpacing"),
        ({"PixelSpacing": [9, 0.7]}, "no valid PixelSpacing"),
        ({"ImagePositionPatient": b"0\\0\\1e300 "}, "no valid ImagePositionPatient"),
        ({"ImagePositionPatient": b"0\\0\\inf "}, "no valid ImagePositionPatient"),
        ({"ImageOrientationPatient": [2, 0, 0, 0, 2, 0]}, SKEWED),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, SKEWED),
        ({"ImageOrientationPatient": b"1e200\\0\\0\\0\\1\\0 "}, SKEWED),
    ],
    ids=str,
)
def test_impossible_geometry_is_set_aside(tmp_path, changes, reason):
    assert rejection(write_ct(tmp_path / "a", **changes)) == reason


def test_pixels_that_are_not_square_are_kept_with_their_spacing(tmp_path):
    header = read_header(write_ct(tmp_path / "a", PixelSpacing=[1.5, 0.75]))

    assert header.spacing == (1.5, 0.75)


# Elements come once and in order


SLOPE = b"\x28\0\x53\x10DS\2\0" + b"2 "
"""A RescaleSlope of 2."""
REPEATED = "elements come twice or out of order, at {}"


def with_slope_at(content: bytes, place: bytes, instead: bool = False) -> bytes:
    """Return a file with another RescaleSlope before an element, and without the first."""
    start = content.index(b"\x28\0\x53\x10DS")
    if instead:
        content = content[:start] + content[start + len(SLOPE) :]
    start = content.index(place)
    return content[:start] + SLOPE + content[start:]


@pytest.mark.parametrize("read", [read_header, read_hounsfield])
@pytest.mark.parametrize(
    ("place", "instead", "at"),
    [
        (b"\x28\0\x53\x10DS", False, "RescaleSlope"),
        (b"\xe0\x7f\x10\0OW", False, "RescaleSlope"),
        (b"\x28\0\x02\0US", False, "SamplesPerPixel"),
        (b"\x28\0\x02\0US", True, "SamplesPerPixel"),
    ],
    ids=["twice", "twice, the other way round", "twice, out of order", "out of order"],
)
def test_elements_twice_or_out_of_order_are_set_aside(tmp_path, place, instead, at, read):
    path = write_ct(tmp_path / "a")
    path.write_bytes(with_slope_at(path.read_bytes(), place, instead))

    assert rejection(path, read) == REPEATED.format(at)


def test_an_element_that_comes_again_behind_the_pixels_is_set_aside(tmp_path):
    path = write_ct(tmp_path / "a")
    path.write_bytes(path.read_bytes() + SLOPE)

    reason = "pixels cannot be decoded (RescaleSlope stands behind the pixels)"
    assert rejection(path, read_hounsfield) == reason


# Files without a preamble, as they were before there was a format of files


def length_of_meta(content: bytes) -> int:
    return 132 + 12 + struct.unpack("<I", content[140:144])[0]


@pytest.mark.parametrize(
    "syntax",
    [
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        RLELossless,
        DeflatedExplicitVRLittleEndian,
    ],
    ids=lambda it: it.name,
)
def test_a_file_without_preamble_is_read_where_it_is_sound(tmp_path, syntax):
    whole = write_ct(tmp_path / "whole", syntax, stored=picture())
    content = whole.read_bytes()
    without_preamble, without_meta = tmp_path / "preamble", tmp_path / "meta"
    without_preamble.write_bytes(content[132:])
    without_meta.write_bytes(content[length_of_meta(content) :])
    expected = read_header(whole)

    sound = [without_preamble]
    if syntax in (RLELossless, DeflatedExplicitVRLittleEndian):
        reason = rejection(without_meta)  # how the pixels are encoded stood in the meta
        assert reason in ("not a DICOM file", "uncompressed pixel data are in fragments")
    else:
        sound.append(without_meta)

    for path in sound:
        assert replace(read_header(path), path=str(whole)) == expected
        np.testing.assert_array_equal(read_hounsfield(path)[0], picture() - 1024.0)


@pytest.mark.parametrize(
    "start", [b"", b"\x08\0", b"\x20\x08\0\x05\0CS", b"\x09\0\x10\0LO", bytes(200)]
)
def test_what_begins_like_no_image_is_no_dicom(tmp_path, start):
    path = write_ct(tmp_path / "a")
    path.write_bytes(start)

    assert rejection(path) == "not a DICOM file"


# Values


def test_values_are_those_of_pydicom(tmp_path):
    texts = {
        "SpecificCharacterSet": "ISO_IR 100",
        "PatientID": " Müller ",
        "StudyDescription": "CT Thorax\\mit KM",
        "ContrastBolusAgent": b"",
        "KVP": b"  1.2E+2",
        "AcquisitionNumber": b"",
    }
    path = write_ct(tmp_path / "a", **texts)
    dataset = pydicom.dcmread(path)
    values = HeaderValues(pydicom.dcmread(path, specific_tags=list(TAGS.values())))

    assert values.text("PatientID") == dataset.PatientID.strip() == "Müller"
    assert values.texts("StudyDescription") == list(dataset.StudyDescription)
    assert values.texts("ImageType") == list(dataset.ImageType)
    assert values.number("KVP") == dataset.KVP == 120
    assert values.whole("AcquisitionNumber") is dataset.AcquisitionNumber is None
    assert values.whole("InstanceNumber") == dataset.InstanceNumber
    assert values.numbers("ImagePositionPatient") == list(dataset.ImagePositionPatient)
    assert {keyword for keyword in KEYWORDS if keyword in values} == {
        keyword for keyword in KEYWORDS if keyword in dataset
    }
    for keyword in ("Rows", "Columns", "BitsStored", "HighBit", "PixelRepresentation"):
        assert values.whole(keyword) == dataset[keyword].value


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_numbers_are_read_in_any_byte_order(tmp_path, syntax):
    header = read_header(write_ct(tmp_path / "a", syntax))

    assert (header.rows, header.columns) == (ROWS, COLUMNS)


def test_a_header_longer_than_what_is_read_at_once_is_read_to_its_end(tmp_path):
    dataset = ct_dataset(stored=picture())
    dataset.add_new(0x00091010, "OB", bytes(3 * HEAD_BYTES))
    dataset.add_new(0x00091011, "SQ", [ct_dataset()])
    path = save(tmp_path / "a", dataset)

    short, long = read_header(write_ct(tmp_path / "b", stored=picture())), read_header(path)

    assert long.fingerprint == short.fingerprint
    assert long.slice_id == short.slice_id


# Pixel data: complete, of the right size, and the same for the same slice


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda it: it.name)
def test_compressed_pixels_cut_anywhere_are_set_aside_by_the_header(tmp_path, syntax):
    path = write_ct(tmp_path / "a", syntax, stored=picture(rows=64, columns=64))
    content = path.read_bytes()
    reasons = set()
    for length in np.linspace(content.index(b"\xe0\x7f\x10\0") + 12, len(content) - 1, 20):
        path.write_bytes(content[: int(length)])
        reasons.add(rejection(path))

    assert reasons == {"truncated: compressed pixel data have no end"}


def test_bytes_cut_out_of_compressed_pixels_are_noticed(tmp_path):
    path = write_ct(tmp_path / "a", JPEG2000Lossless, stored=picture(rows=64, columns=64))
    content = path.read_bytes()
    path.write_bytes(content[:-2000] + content[-1900:])

    assert "compressed pixel data" in rejection(path)


def test_pixels_of_several_frames_in_one_slice_are_set_aside(tmp_path):
    path = write_ct(tmp_path / "a", RLELossless)
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate([dataset.PixelData[16:]] * 2)
    dataset.save_as(path)

    assert rejection(path) == "pixel data of several frames in a file of one slice"


def test_trailing_padding_does_not_hide_a_copy(tmp_path):
    plain = write_ct(tmp_path / "a", RLELossless, stored=picture())
    padded = write_ct(tmp_path / "b", RLELossless, stored=picture(), patient="P2")
    trailing = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, 8) + bytes(8)
    padded.write_bytes(padded.read_bytes() + trailing)

    assert read_header(plain).fingerprint == read_header(padded).fingerprint
    assert pixel_data_digest(plain) == pixel_data_digest(padded) is not None


def test_a_deflated_copy_under_another_name_is_a_copy(tmp_path):
    paths = [
        write_ct(tmp_path / "a", DeflatedExplicitVRLittleEndian, stored=picture()),
        write_ct(tmp_path / "b", DeflatedExplicitVRLittleEndian, stored=picture(), patient="P2"),
        write_ct(tmp_path / "c", stored=picture(), patient="P3"),
    ]

    assert len({read_header(path).fingerprint for path in paths}) == 1
    assert len({pixel_data_digest(path) for path in paths}) == 1


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, RLELossless])
def test_blank_slices_are_no_copies_however_they_are_stored(tmp_path, syntax):
    path = write_ct(tmp_path / "a", syntax, stored=np.full((ROWS, COLUMNS), 24, np.uint16))

    assert pixel_data_digest(path) is None


def test_a_file_that_is_gone_is_no_copy(tmp_path):
    assert pixel_data_digest(tmp_path / "gone") is None


def test_an_icon_in_the_header_is_not_taken_for_the_pixels(tmp_path):
    icon = ct_dataset(stored=picture(9, 4, 4))
    paths = [
        write_ct(tmp_path / "a", stored=picture(), IconImageSequence=[icon]),
        write_ct(tmp_path / "b", stored=picture()),
    ]

    assert len({read_header(path).fingerprint for path in paths}) == 1
    np.testing.assert_array_equal(*(read_hounsfield(path)[0] for path in paths))


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless], ids=lambda it: it.name)
@pytest.mark.parametrize("size", [(64, 60), (60, 64), (128, 64), (4096, 4096)])
def test_compressed_images_of_another_size_are_set_aside(tmp_path, syntax, size):
    path = write_ct(tmp_path / "a", syntax, stored=picture(rows=64, columns=64))
    dataset = pydicom.dcmread(path)
    dataset.Rows, dataset.Columns = size
    dataset.save_as(path)

    assert rejection(path, read_hounsfield) in (
        "Rows or Columns differ from those of the compressed image",
        "compressed image is larger than the header says",
        "pixels cannot be decoded: damaged",
    )


@pytest.mark.parametrize(
    ("syntax", "reason"),
    [
        (JPEGLosslessSV1, "compressed image is not of its transfer syntax"),
        (RLELossless, "pixels cannot be decoded: damaged"),
    ],
)
def test_an_image_of_another_codec_is_set_aside(tmp_path, syntax, reason):
    path = write_ct(tmp_path / "a", JPEG2000Lossless, stored=picture(rows=64, columns=64))
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path)

    assert rejection(path, read_hounsfield) == reason


def test_pixels_signed_in_the_compressed_image_only_are_set_aside(tmp_path):
    stored = picture(rows=64, columns=64).astype(np.int16)
    path = write_ct(tmp_path / "a", JPEG2000Lossless, stored=stored)
    dataset = pydicom.dcmread(path)
    dataset.PixelRepresentation = 0
    dataset.save_as(path)

    assert rejection(path, read_hounsfield) == (
        "pixels are signed in the compressed image, unsigned in the header"
    )


def test_a_deflate_bomb_is_set_aside(tmp_path):
    path = write_ct(tmp_path / "a", DeflatedExplicitVRLittleEndian)
    meta = path.read_bytes()[: 132 + 12 + 4]
    length = 132 + 12 + struct.unpack("<I", meta[140:144])[0]
    deflater = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(deflater.compress(bytes(1 << 24)) for _ in range(9)) + deflater.flush()
    path.write_bytes(path.read_bytes()[:length] + bomb)

    assert path.stat().st_size < 1_000_000
    assert rejection(path) == "deflated data are larger than any slice"


# Files that are no files


def test_a_file_that_is_gone_or_forbidden_says_so(tmp_path):
    forbidden = write_ct(tmp_path / "forbidden")
    forbidden.chmod(0)
    for read in (read_header, read_hounsfield):
        gone = rejection(tmp_path / "gone", read)
        assert gone == "cannot be opened (No such file or directory)"
        assert rejection(tmp_path, read) == "cannot be opened (Is a directory)"
        if os.geteuid():
            assert rejection(forbidden, read) == "cannot be opened (Permission denied)"


def test_a_path_without_permission_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "open", raising(PermissionError(13, "some path")))

    assert rejection(tmp_path / "a") == "cannot be opened (Permission denied)"


def test_a_pipe_does_not_keep_the_reader_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    assert rejection(tmp_path / "pipe") == "not a file but a pipe or a device"
    assert rejection(tmp_path / "pipe", read_hounsfield) == "not a file but a pipe or a device"


MEANINGS = {
    RecursionError: "damaged, nested too deeply",
    struct.error: "damaged, it ends too early",
    EOFError: "damaged, it ends too early",
    NotImplementedError: "written in a way that is not supported",
    OSError: "damaged",
    AttributeError: "damaged",
}


@pytest.mark.parametrize(("error", "words"), MEANINGS.items())
def test_any_error_of_a_library_is_a_reason_in_words(tmp_path, monkeypatch, error, words):
    path = write_ct(tmp_path / "a")
    monkeypatch.setattr("ct_importance.cohort.dicom.file.read_dataset", raising(error("Quill")))

    assert rejection(path) == f"unreadable header: {words}"
    assert rejection(path, read_hounsfield) == f"pixels cannot be decoded: {words}"


@pytest.mark.parametrize("place", ["os.open", "ct_importance.cohort.dicom.file.read_dataset"])
@pytest.mark.parametrize(
    "error", [OSError(errno.ESTALE, ""), OSError(errno.EIO, ""), OSError(errno.EMFILE, "")]
)
@pytest.mark.parametrize("read", [read_header, read_hounsfield])
def test_a_disk_that_fails_is_no_reason(tmp_path, monkeypatch, read, error, place):
    path = write_ct(tmp_path / "a")
    monkeypatch.setattr(place, raising(error))

    with pytest.raises(OSError, match=str(error.errno)) as raised:
        read(path)

    assert raised.value is error


@pytest.mark.parametrize("read", [read_header, read_hounsfield])
def test_lack_of_memory_is_no_reason(tmp_path, monkeypatch, read):
    path = write_ct(tmp_path / "a")
    monkeypatch.setattr("ct_importance.cohort.dicom.file.read_dataset", raising(MemoryError()))

    with pytest.raises(MemoryError):
        read(path)


def test_deeply_nested_sequences_are_set_aside(tmp_path):
    path = write_ct(tmp_path / "a")
    content = path.read_bytes()
    start = content.index(b"\x08\0\x08\0CS")
    nested = b"\x08\0\x06\0SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff" * 5000
    path.write_bytes(content[:start] + nested + content[start:])

    assert rejection(path) == "unreadable header: damaged, nested too deeply"


def test_messages_of_the_libraries_are_not_logged(tmp_path, caplog, capfd):
    path = write_ct(tmp_path / "a", RLELossless, PatientID="Quill" * 20, StudyInstanceUID="Quill")
    content = path.read_bytes()
    segments = content.index((2).to_bytes(4, "little") + (64).to_bytes(4, "little"))
    path.write_bytes(content[:segments] + b"\3" + content[segments + 1 :])
    caplog.clear()

    assert "Quill" not in rejection(path, read_hounsfield)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_reading_headers_does_not_load_what_only_later_steps_need():
    heavy = ("torch", "pandas", "skimage", "matplotlib")
    code = "import sys, ct_importance.cohort.dicom.header; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not set(heavy) & set(done.stdout.split())
