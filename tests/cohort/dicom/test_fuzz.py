"""Damaged DICOM is set aside with a reason or read right: never a traceback, never another HU.

What no reader can notice: other bytes of the same number in pixels that are not compressed, and
another valid value of an element (RescaleIntercept -1024 -> -1023): DICOM has no checksum.
"""

import os
import struct
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR
from pydicom.encaps import encapsulate, generate_frames
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.dicom.values import KEYWORDS
from ct_importance.cohort.pixels import AIR_HU, read_hounsfield
from ct_importance.cohort.rejection import RejectedFile
from tests.cohort.dicom_files import picture, write_ct

SIZE = 64
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
]
PIXEL_MODULE = dict.fromkeys(SYNTAXES, b"\x28\0\x02\0") | {ExplicitVRBigEndian: b"\0\x28\0\x02"}
"""Tag of SamplesPerPixel, after which what describes the pixels follows."""
UNITS = (
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "RescaleSlope",
    "RescaleIntercept",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "SamplesPerPixel",
)
"""Elements that decide what the stored bytes mean."""


def bounded(examples: int) -> Callable:
    """The same examples in every run, and no limit to the time of one on a busy machine."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@cache
def sound_file(syntax: UID) -> bytes:
    with TemporaryDirectory() as folder:
        stored = picture(rows=SIZE, columns=SIZE).astype(np.int16)
        return write_ct(Path(folder) / "a", syntax, stored=stored).read_bytes()


@cache
def true_units() -> np.ndarray:
    return picture(rows=SIZE, columns=SIZE) - 1024.0


def read_both(content: bytes) -> np.ndarray | None:
    """Return Hounsfield units if header and pixels can be read; fail at anything but a reason."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = Path(folder) / "a"
        path.write_bytes(content)
        header = None
        with suppress(RejectedFile):
            header = read_header(path, keep_derived=True)
        try:
            hounsfield, _ = read_hounsfield(path)
        except RejectedFile:
            return None
    assert np.isfinite(hounsfield).all()
    if header is None:
        return None
    assert hounsfield.shape == (header.rows, header.columns)
    return hounsfield


def meaning(content: bytes) -> tuple:
    """Return what decides Hounsfield units and the bytes of the pixels; () if pydicom cannot."""
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(BytesIO(content))
        return (*(dataset.get(keyword) for keyword in UNITS), bytes(dataset.PixelData))
    return ()


def same_units(hounsfield: np.ndarray) -> bool:
    return np.array_equal(hounsfield, true_units())


# Bytes


@st.composite
def damaged(draw: Callable, content: bytes, first: int = 0) -> bytes:
    """Return a copy with bits flipped, bytes cut out, repeated or put in after some position."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        last = max(first, len(changed) - 1)
        start = draw(st.integers(first, last))
        length = draw(st.sampled_from([1, 2, 4, 8, 100, 1000]))
        kind = draw(st.sampled_from(["flip", "cut", "end", "repeat", "insert", "overwrite"]))
        if kind == "flip":
            changed[start : start + 1] = bytes(
                byte ^ (1 << draw(st.integers(0, 7))) for byte in changed[start : start + 1]
            )
        elif kind == "cut":
            del changed[start : start + length]
        elif kind == "end":
            del changed[start:]
        elif kind == "repeat":
            changed[start:start] = changed[start : start + length]
        else:
            new = draw(st.binary(min_size=1, max_size=8))
            changed[start : start + (len(new) if kind == "overwrite" else 0)] = new
    return bytes(changed)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda it: it.name)
def test_damaged_bytes_of_a_file(syntax, capfd):
    sound = sound_file(syntax)

    @bounded(120)
    @given(damaged(sound))
    def check(content: bytes) -> None:
        hounsfield = read_both(content)
        if hounsfield is not None and meaning(content) == meaning(sound):
            assert same_units(hounsfield)

    check()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda it: it.name)
def test_damaged_bytes_of_a_header(syntax, capfd):
    sound = sound_file(syntax)
    # Where all is deflated the header cannot be told from the pixels.
    length = 400 if syntax == DeflatedExplicitVRLittleEndian else sound.index(PIXEL_MODULE[syntax])
    header = sound[: length + 200]

    @bounded(120)
    @given(damaged(header, first=132))
    def check(start: bytes) -> None:
        content = start + sound[len(header) :]
        hounsfield = read_both(content)
        if hounsfield is not None and meaning(content) == meaning(sound):
            assert same_units(hounsfield)

    check()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless], ids=lambda it: it.name)
def test_damaged_images_in_a_sound_file(syntax, capfd, tmp_path):
    (tmp_path / "a").write_bytes(sound_file(syntax))
    dataset = pydicom.dcmread(tmp_path / "a")
    image = next(generate_frames(dataset.PixelData, number_of_frames=1))

    @bounded(150)
    @given(st.one_of(damaged(image), damaged(image[:120]).map(lambda it: it + image[120:])))
    def check(changed: bytes) -> None:
        dataset.PixelData = encapsulate([changed or b"\0"])
        dataset.save_as(tmp_path / "a")
        hounsfield = read_both((tmp_path / "a").read_bytes())
        assert hounsfield is None or hounsfield.shape == (SIZE, SIZE)

    check()
    assert capfd.readouterr() == ("", "")


# Values

EXTREME = [
    b"",
    b"0 ",
    b"-1",
    b"1.0000000001",
    b"1e308 ",
    b"-1e308",
    b"nan ",
    b"inf ",
    b"1_0 ",
    b"1\\1 ",
    b"\\\\",
    b"\0\0",
    b"\xff\xff",
    b"\x01\0",
    b"\x10\0",
    b"\0\x80",
    b"\xff" * 8,
    b"Quill ",
    b"9" * 400,
    b"1\\0\\0\\0\\1\\0 ",
]


def with_element(keyword: str, value: bytes) -> bytes:
    """Return the sound file with other bytes, of even or odd number, as the value of an element."""
    sound = sound_file(ExplicitVRLittleEndian)
    tag = Tag(keyword)
    dataset = pydicom.dcmread(BytesIO(sound))
    following = min((it for it in dataset.values() if it.tag >= tag), key=lambda it: it.tag)
    start = following.value_tell - (12 if following.VR in ("OW", "OB") else 8)
    end = following.value_tell + following.length if following.tag == tag else start
    kind = dictionary_VR(tag)[:2].encode()
    element = struct.pack("<HH2sH", tag.group, tag.element, kind, len(value)) + value
    return sound[:start] + element + sound[end:]


def expected_units(keyword: str, value: bytes) -> list[np.ndarray]:
    """Return the units that the standard allows once an element has another value."""
    stored = picture(rows=SIZE, columns=SIZE).astype(float)
    if keyword == "RescaleSlope":
        return [stored * float(value) - 1024]
    if keyword == "RescaleIntercept":
        return [stored + float(value)]
    if keyword == "PixelPaddingValue":
        padding = int.from_bytes(value[:2], "little", signed=True)
        return [np.where(stored == padding, AIR_HU, stored - 1024)]
    return [stored - 1024]


ELEMENTS = [
    *(keyword for keyword in KEYWORDS if keyword != "ModalityLUTSequence"),
    "PixelPaddingValue",
    "SpecificCharacterSet",
]


def test_any_value_of_any_element(capfd):
    @bounded(500)
    @given(st.sampled_from(ELEMENTS), st.one_of(st.sampled_from(EXTREME), st.binary(max_size=12)))
    def check(keyword: str, value: bytes) -> None:
        hounsfield = read_both(with_element(keyword, value))
        if hounsfield is not None:
            known = expected_units(keyword, value)
            assert any(np.allclose(hounsfield, units, rtol=1e-6) for units in known), keyword

    check()
    assert capfd.readouterr() == ("", "")


def test_every_extreme_of_every_element_that_decides_units():
    for keyword in (*UNITS, "HighBit", "PhotometricInterpretation", "RescaleType"):
        for value in EXTREME:
            hounsfield = read_both(with_element(keyword, value))
            if hounsfield is not None and keyword != "PixelPaddingRangeLimit":
                known = expected_units(keyword, value)
                assert any(np.allclose(hounsfield, units, rtol=1e-6) for units in known), (
                    keyword,
                    value,
                )


# Real files

REAL = [
    "CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
    "CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
    "CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm",
    "CT1_J2KR",
]


@pytest.mark.skipif(
    "CT_IMPORTANCE_DATA" not in os.environ,
    reason="CT_IMPORTANCE_DATA does not name the folder with real CT",
)
@pytest.mark.parametrize("name", REAL)
def test_damaged_bytes_of_a_real_file(name, capfd):
    folder = Path(os.environ["CT_IMPORTANCE_DATA"]) / "dicom_edge_cases/cornerstone_CTImage"
    sound = (folder / name).read_bytes()
    pixels = sound.rindex(b"\xe0\x7f\x10\0O")
    head = sound[: pixels + 200]
    parts = st.one_of(damaged(head).map(lambda it: it + sound[len(head) :]), damaged(sound))
    image = true_real_units(folder / name)

    @bounded(40)
    @given(parts)
    def check(content: bytes) -> None:
        hounsfield = read_both(content)
        if hounsfield is not None and meaning(content) == meaning(sound):
            np.testing.assert_array_equal(hounsfield, image)

    check()
    assert capfd.readouterr() == ("", "")


def true_real_units(path: Path) -> np.ndarray:
    return read_hounsfield(path)[0]
