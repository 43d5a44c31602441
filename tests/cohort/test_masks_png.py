"""Masks kept as one PNG per slice."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.cohort.dicom_file import RejectedFile
from scripts.cohort.mask_png import read_png
from scripts.cohort.masks import read_mask
from scripts.cohort.slice_entry import SliceEntry
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


def test_a_png_without_the_chosen_value_is_empty(entries, folder):
    write_png(folder / f"{entries[0].slice_id}.png", blob(), inside=2)

    assert only_reason(entries, folder, [3]) == "mask is empty"


@pytest.mark.parametrize("name", ["1.2.3", "1.2.3_heart", "1.2.3/heart", "_heart"])
def test_a_png_of_no_slice_is_set_aside(entries, folder, name):
    write_png(folder / f"{name}.png", blob())

    assert only_reason(entries, folder) == "mask fits no slice: no SOPInstanceUID of that name"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16", "LA"])
def test_a_png_that_is_not_8_bit_grey_is_set_aside(entries, folder, mode):
    folder.mkdir()
    Image.new(mode, (COLUMNS, ROWS)).save(folder / f"{entries[0].slice_id}.png")

    assert only_reason(entries, folder) == f"mask is a PNG of mode {mode}, not 8-bit grey"


def test_a_file_that_is_no_png_is_set_aside(entries, folder):
    folder.mkdir()
    (folder / f"{entries[0].slice_id}.png").write_text("not a picture")

    reason = only_reason(entries, folder)

    assert reason == "mask cannot be read as PNG (UnidentifiedImageError)"


def test_a_damaged_png_is_read_or_rejected_but_stops_nothing(folder):
    content = write_png(folder / "whole.png", blob()).read_bytes()
    for place in range(len(content)):
        for damaged in (
            content[:place],
            content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :],
        ):
            (folder / "damaged.png").write_bytes(damaged)
            try:
                read_png(folder / "damaged.png")
            except RejectedFile as reason:
                assert "mask" in str(reason)  # noqa: PT017
