import shutil
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image

from scripts.cohort.dicom_header import RejectedFile
from scripts.cohort.index import index_folders
from scripts.cohort.masks import LPS_TO_RAS, match_masks, read_mask, read_png_mask
from scripts.cohort.slice_entry import SliceEntry
from scripts.errors import InputError
from tests.cohort.dicom_files import COLUMNS, ROWS, write_series

SLICES, SPACING = 4, 5.0


@pytest.fixture
def entries(tmp_path: Path) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    write_series(tmp_path / "dicom", SLICES, SPACING, PixelSpacing=[1.0, 0.8])
    return index_folders([tmp_path / "dicom"]).slices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the masks."""
    (tmp_path / "masks").mkdir()
    return tmp_path / "masks"


def blob() -> np.ndarray:
    """A mask without any symmetry."""
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[2:5, 3:12] = True
    mask[5:8, 10] = True
    return mask


def write_png(path: Path, mask: np.ndarray, inside: int = 255) -> None:
    Image.fromarray(mask.astype(np.uint8) * inside).save(path)


def series_affine(entry: SliceEntry) -> np.ndarray:
    """Map (column, row, slice) to RAS mm, for a series whose lowest slice is `entry`."""
    dataset = pydicom.dcmread(entry.path)
    between_rows, between_columns = dataset.PixelSpacing
    affine = np.diag([between_columns, between_rows, SPACING, 1.0])
    affine[:3, 3] = dataset.ImagePositionPatient
    return LPS_TO_RAS @ affine


def write_volume(
    folder: Path, entries: list[SliceEntry], volume: np.ndarray, affine: np.ndarray, name=".nii.gz"
) -> Path:
    path = folder / f"{entries[0].series_uid}{name}"
    nibabel.save(nibabel.Nifti1Image(volume, affine), path)
    return path


def volume_of(masks: dict[int, np.ndarray]) -> np.ndarray:
    """A volume (column, row, slice) with a mask on some slices."""
    volume = np.zeros((COLUMNS, ROWS, SLICES), np.uint8)
    for number, mask in masks.items():
        volume[:, :, number] = 3 * mask.T
    return volume


def masks_by_slice(entries: list[SliceEntry], folder: Path) -> dict[int, np.ndarray]:
    """The masks found, by number of the slice."""
    masks, rejected = match_masks(entries, folder)
    assert not rejected
    return {
        number: read_mask(masks[entry.slice_id]["path"], pydicom.dcmread(entry.path))
        for number, entry in enumerate(entries)
        if entry.slice_id in masks
    }


def only_reason(entries: list[SliceEntry], folder: Path) -> str:
    """Why the one unfit mask of the folder is set aside, beside one that fits."""
    write_png(folder / f"{entries[-1].slice_id}.png", blob())
    masks, rejected = match_masks(entries, folder)
    assert list(masks) == [entries[-1].slice_id]
    assert len(rejected) == 1
    return next(iter(rejected.values()))


# PNG


@pytest.mark.parametrize("inside", [1, 255])
def test_a_png_named_by_the_instance_uid_is_the_mask_of_that_slice(entries, folder, inside):
    write_png(folder / f"{entries[2].slice_id}.png", blob(), inside)

    found = masks_by_slice(entries, folder)

    assert list(found) == [2]
    np.testing.assert_array_equal(found[2], blob())


def test_the_digest_of_a_mask_changes_with_its_content(entries, folder):
    path = folder / f"{entries[0].slice_id}.png"
    digests = []
    for mask in (blob(), ~blob()):
        write_png(path, mask)
        digests.append(match_masks(entries, folder)[0][entries[0].slice_id]["digest"])

    assert digests[0] != digests[1]


def test_a_png_of_another_size_names_both_sizes(entries, folder):
    write_png(folder / f"{entries[0].slice_id}.png", blob().T)

    assert only_reason(entries, folder) == "mask is 16 x 12, its slice 12 x 16"


def test_an_empty_png_is_set_aside(entries, folder):
    write_png(folder / f"{entries[0].slice_id}.png", np.zeros((ROWS, COLUMNS)))

    assert only_reason(entries, folder) == "mask is empty"


def test_a_png_of_no_slice_is_set_aside(entries, folder):
    write_png(folder / "1.2.3.png", blob())

    assert only_reason(entries, folder) == "mask fits no slice: no SOPInstanceUID of that name"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16", "LA"])
def test_a_png_that_is_not_8_bit_grey_is_set_aside(entries, folder, mode):
    Image.new(mode, (COLUMNS, ROWS)).save(folder / f"{entries[0].slice_id}.png")

    assert only_reason(entries, folder) == f"mask is a PNG of mode {mode}, not 8-bit grey"


def test_a_file_that_is_no_png_is_set_aside(entries, folder):
    (folder / f"{entries[0].slice_id}.png").write_text("not a picture")

    assert only_reason(entries, folder) == "mask cannot be read as PNG"


def test_a_damaged_png_is_read_or_rejected_but_stops_nothing(folder):
    write_png(folder / "whole.png", blob())
    content = (folder / "whole.png").read_bytes()
    for place in range(len(content)):
        for damaged in (
            content[:place],
            content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :],
        ):
            (folder / "damaged.png").write_bytes(damaged)
            try:
                read_png_mask(folder / "damaged.png")
            except RejectedFile as reason:
                assert "mask" in str(reason)  # noqa: PT017


def test_other_files_in_the_folder_are_set_aside(entries, folder):
    (folder / "README.md").write_text("masks")

    assert only_reason(entries, folder) == "no mask file (.png, .nii or .nii.gz)"


# NIfTI


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_volume_on_the_grid_gives_each_slice_its_part(entries, folder, suffix):
    other = np.roll(blob(), 3, axis=0)
    volume = volume_of({1: blob(), 3: other})
    write_volume(folder, entries, volume, series_affine(entries[0]), suffix)

    found = masks_by_slice(entries, folder)

    assert list(found) == [1, 3]
    np.testing.assert_array_equal(found[1], blob())
    np.testing.assert_array_equal(found[3], other)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 1, 2)], ids=str)
def test_a_volume_with_flipped_axes_lands_in_the_same_place(entries, folder, axes):
    volume = volume_of({1: blob()})
    flip = np.eye(4)
    for axis in axes:
        flip[axis, axis] = -1
        flip[axis, 3] = volume.shape[axis] - 1
    write_volume(folder, entries, np.flip(volume, axes), series_affine(entries[0]) @ flip)

    found = masks_by_slice(entries, folder)

    assert list(found) == [1]
    np.testing.assert_array_equal(found[1], blob())


def test_a_transposed_volume_lands_in_the_same_place(entries, folder):
    volume = volume_of({1: blob()}).transpose(2, 1, 0)
    swap = np.eye(4)[[2, 1, 0, 3]]
    write_volume(folder, entries, volume, series_affine(entries[0]) @ swap)

    found = masks_by_slice(entries, folder)

    assert list(found) == [1]
    np.testing.assert_array_equal(found[1], blob())


def test_a_cropped_volume_is_empty_outside(entries, folder):
    shift = np.eye(4)
    shift[:3, 3] = (2, 1, 1)
    cropped = volume_of({1: blob(), 2: blob()})[2:13, 1:, 1:3]
    write_volume(folder, entries, cropped, series_affine(entries[0]) @ shift)

    found = masks_by_slice(entries, folder)

    assert list(found) == [1, 2]
    np.testing.assert_array_equal(found[1], blob())


@pytest.mark.parametrize(
    "change",
    [
        np.diag([2.0, 2.0, 1, 1]),
        np.diag([1.05, 1, 1, 1]),
        np.array([[1, 0, 0, 0.4], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
        np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.5], [0, 0, 0, 1.0]]),
        np.array([[0.94, -0.34, 0, 0], [0.34, 0.94, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]),
    ],
    ids=["coarse", "stretched", "shifted", "between slices", "turned"],
)
def test_a_volume_off_the_grid_is_set_aside(entries, folder, change):
    affine = series_affine(entries[0]) @ change
    write_volume(folder, entries, volume_of({1: blob()}), affine)

    assert only_reason(entries, folder) == "mask is not on the grid of its series"


def test_an_empty_volume_is_set_aside(entries, folder):
    write_volume(folder, entries, volume_of({}), series_affine(entries[0]))

    assert only_reason(entries, folder) == "mask is empty"


def test_a_volume_of_no_series_is_set_aside(entries, folder):
    path = write_volume(folder, entries, volume_of({1: blob()}), series_affine(entries[0]))
    shutil.move(path, folder / "1.2.3.nii.gz")

    assert only_reason(entries, folder) == "mask fits no series: no SeriesInstanceUID of that name"


def test_a_volume_of_four_dimensions_is_set_aside(entries, folder):
    volume = volume_of({1: blob()})[..., None].repeat(2, axis=3)
    write_volume(folder, entries, volume, series_affine(entries[0]))

    assert only_reason(entries, folder) == "mask volume has 4 dimensions, not 3"


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_file_that_is_no_nifti_is_set_aside(entries, folder, damage):
    path = write_volume(folder, entries, volume_of({1: blob()}), series_affine(entries[0]))
    path.write_bytes(b"not a volume" if damage == "text" else path.read_bytes()[:-20])

    assert only_reason(entries, folder).startswith("mask cannot be read as NIfTI (")


def test_a_volume_whose_affine_cannot_be_inverted_is_set_aside(entries, folder):
    image = nibabel.Nifti1Image(volume_of({1: blob()}), np.diag([1.0, 1, 1, 1]))
    image.header.set_sform(np.diag([1.0, 1, 0, 1]), code=1)
    path = folder / f"{entries[0].series_uid}.nii"
    content = bytearray(image.to_bytes())
    content[280:328] = np.diag([1.0, 1, 0, 1])[:3].astype("<f4").tobytes()
    path.write_bytes(content)

    assert only_reason(entries, folder) == "mask cannot be read as NIfTI (LinAlgError)"


# The folder


@pytest.mark.parametrize("folder", [None, ""])
def test_a_cohort_without_masks_has_none(entries, folder):
    assert match_masks(entries, folder) == ({}, {})


def test_a_missing_folder_is_named_with_the_key_to_check(entries, tmp_path):
    with pytest.raises(InputError, match=r"nowhere is not a folder; check cohort\.masks"):
        match_masks(entries, tmp_path / "nowhere")


def test_a_folder_of_which_no_mask_fits_says_why(entries, folder):
    write_png(folder / "1.2.3.png", blob())
    write_png(folder / f"{entries[0].slice_id}.png", np.zeros((ROWS, COLUMNS)))

    with pytest.raises(InputError) as error:
        match_masks(entries, folder)

    assert str(error.value) == (
        f"{folder}: no mask fits a slice (mask fits no slice: no SOPInstanceUID of that name; mask "
        "is empty); check cohort.masks"
    )


def test_an_empty_folder_is_an_error(entries, folder):
    with pytest.raises(InputError, match="the folder is empty"):
        match_masks(entries, folder)
