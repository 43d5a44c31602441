"""Masks kept as one PNG per slice."""

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from PIL import Image

from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.masks.png import read_png
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.dicom_files import COLUMNS, ROWS
from tests.cohort.mask_files import blob, find_masks, only_reason, small_series, write_png


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    return small_series(tmp_path_factory.mktemp("dicom"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the masks."""
    return tmp_path / "masks"


@pytest.mark.parametrize("inside", [1, 255])
@pytest.mark.parametrize("name", ["{}.png", "{}.PNG", "{}_heart.png", "{}/heart.png", "a/b/{}.png"])
def test_a_png_named_by_the_instance_uid_is_the_mask_of_that_slice(entries, folder, inside, name):
    write_png(folder / name.format(entries[2].slice_id), blob(), inside)

    found = find_masks(entries, folder)

    assert list(found) == [2]
    np.testing.assert_array_equal(found[2], blob())


def test_a_png_of_another_size_names_both_sizes(entries, folder):
    path = write_png(folder / f"{entries[0].slice_id}.png", blob().T)

    assert only_reason(entries, folder) == "mask is 16 x 12, its slice 12 x 16"
    with pytest.raises(RejectedFile, match="mask is 16 x 12"):
        read_mask(path, entries[0].slice_id, entries[0].geometry)


def test_an_empty_png_is_set_aside(entries, folder):
    write_png(folder / f"{entries[0].slice_id}.png", np.zeros((ROWS, COLUMNS)))

    assert only_reason(entries, folder) == "mask is empty"


def test_a_png_without_the_chosen_value_says_so(entries, folder):
    write_png(folder / f"{entries[0].slice_id}.png", blob(), inside=2)

    assert only_reason(entries, folder, [3]) == (
        "mask has no pixel of a value that `structures` names (3)"
    )


@pytest.mark.parametrize("name", ["1.2.3", "1.2.3_heart", "1.2.3/heart", "_heart"])
def test_a_png_of_no_slice_is_set_aside(entries, folder, name):
    write_png(folder / f"{name}.png", blob())

    assert only_reason(entries, folder) == "mask fits no slice: no SOPInstanceUID of that name"


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "8-bit colour"),
        ("RGBA", "8-bit colour with transparency"),
        ("P", "1-bit palette"),
        ("I;16", "16-bit grey"),
        ("LA", "8-bit grey with transparency"),
    ],
)
def test_a_png_that_is_not_8_bit_grey_is_set_aside(entries, folder, mode, kind):
    folder.mkdir()
    Image.new(mode, (COLUMNS, ROWS)).save(folder / f"{entries[0].slice_id}.png")

    assert only_reason(entries, folder) == f"mask is a PNG in {kind}, not 8-bit grey"


@pytest.mark.parametrize("bits", [2, 4])
def test_a_png_whose_values_the_decoder_would_change_is_set_aside(entries, folder, bits):
    path = write_png(folder / f"{entries[0].slice_id}.png", np.ones((ROWS, COLUMNS)), 1)
    path.write_bytes(with_header(path.read_bytes(), COLUMNS, ROWS, bits))

    reason = f"mask is a PNG in {bits}-bit grey, not 8-bit grey"
    assert only_reason(entries, folder) == reason


def test_a_png_of_one_bit_is_a_mask(entries, folder):
    folder.mkdir()
    Image.fromarray(blob()).save(folder / f"{entries[0].slice_id}.png")

    np.testing.assert_array_equal(find_masks(entries, folder)[0], blob())


NO_PNG = "mask is no PNG, but another format under its name: convert it"


@pytest.mark.parametrize("format_name", ["JPEG", "TIFF", "BMP", "PPM", "GIF"])
def test_another_format_under_the_name_of_a_png_is_set_aside(entries, folder, format_name):
    folder.mkdir()
    image = Image.fromarray(blob().astype(np.uint8) * 255)
    image.save(folder / f"{entries[0].slice_id}.png", format=format_name)

    assert only_reason(entries, folder) == NO_PNG


@pytest.mark.parametrize("content", [b"not a picture", b"", b"\x89PNG\r\n\x1a"])
def test_a_file_that_is_no_picture_is_set_aside(entries, folder, content):
    folder.mkdir()
    (folder / f"{entries[0].slice_id}.png").write_bytes(content)

    assert only_reason(entries, folder) == NO_PNG


def test_no_other_program_is_started_for_postscript(entries, folder, tmp_path, monkeypatch):
    folder.mkdir()
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    box = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 {COLUMNS} {ROWS}\n%%EndComments\n"
    (folder / f"{entries[0].slice_id}.png").write_text(f"{box}showpage\n%%EOF\n")

    assert only_reason(entries, folder) == NO_PNG
    assert not (tmp_path / "started").exists()


def with_header(content: bytes, columns: int, rows: int, bits: int = 8) -> bytes:
    """Return a grey PNG whose header says another size, or other bits per pixel."""
    header = b"IHDR" + struct.pack(">IIBBBBB", columns, rows, bits, 0, 0, 0, 0)
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def test_no_pixel_of_a_png_of_absurd_size_is_decoded(entries, folder, monkeypatch):
    path = write_png(folder / f"{entries[0].slice_id}.png", blob())
    path.write_bytes(with_header(path.read_bytes(), 2**31 - 1, 2**31 - 1))
    opened = []
    original = Image.open

    def record(file: BinaryIO, *arguments: object, **named: object) -> Image.Image:
        opened.append(file.name)
        return original(file, *arguments, **named)

    monkeypatch.setattr(Image, "open", record)

    size = 2**31 - 1
    assert only_reason(entries, folder) == f"mask is {size} x {size}, its slice {ROWS} x {COLUMNS}"
    assert str(path) not in map(str, opened)


def test_a_png_far_larger_than_its_pixels_is_set_aside_unread(entries, folder):
    path = write_png(folder / f"{entries[0].slice_id}.png", blob())
    os.truncate(path, 100 << 30)

    assert only_reason(entries, folder) == "mask is a PNG far larger than its pixels"


def test_a_damaged_png_is_read_or_rejected_but_stops_nothing(folder):
    content = write_png(folder / "whole.png", blob()).read_bytes()
    for place in range(len(content)):
        for damaged in (
            content[:place],
            content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :],
        ):
            (folder / "damaged.png").write_bytes(damaged)
            try:
                read_png(folder / "damaged.png", (ROWS, COLUMNS))
            except RejectedFile as reason:
                assert "mask" in str(reason)  # noqa: PT017
