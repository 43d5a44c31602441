"""Masks kept as label volumes: orientation, grid, names, and volumes that do not fit."""

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.masks.grid import MarkedGrid
from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.slice_entry import SliceEntry, volume_slice_id
from tests.cohort.mask_files import (
    SLICES,
    blob,
    check_masks,
    find_masks,
    only_reason,
    small_series,
    truth,
    volume_affine,
    write_nifti,
    write_png,
    write_volume,
)
from tests.cohort.matched import match_masks

WRITERS = {".nii.gz": write_nifti, ".nrrd": write_volume}
OUTSIDE = "mask lies outside of its series: check orientation and origin"


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[SliceEntry]:
    """The slices of one series, the lowest first."""
    return small_series(tmp_path_factory.mktemp("dicom"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the masks."""
    (tmp_path / "masks").mkdir()
    return tmp_path / "masks"


def volume() -> np.ndarray:
    """The true masks as a volume (column, row, slice) of threes."""
    return truth().transpose(2, 1, 0) * 3


def shifted(*steps: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = steps
    return matrix


# Orientation and grid


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 1, 2)], ids=str)
def test_a_volume_with_flipped_axes_lands_in_the_same_place(entries, folder, suffix, axes):
    flip = np.eye(4)
    for axis in axes:
        flip[axis, axis] = -1
        flip[axis, 3] = volume().shape[axis] - 1
    path = folder / f"{entries[0].series_uid}{suffix}"
    WRITERS[suffix](path, np.flip(volume(), axes), volume_affine(entries) @ flip)

    check_masks(find_masks(entries, folder), truth())


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1), (1, 0, 2)], ids=str)
def test_a_transposed_volume_lands_in_the_same_place(entries, folder, suffix, order):
    swap = np.eye(4)[:, [*order, 3]]
    path = folder / f"{entries[0].series_uid}{suffix}"
    WRITERS[suffix](path, volume().transpose(order), volume_affine(entries) @ swap)

    check_masks(find_masks(entries, folder), truth())


def test_a_cropped_volume_is_empty_outside(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume()[2:13, 1:, 1:3], volume_affine(entries) @ shifted(2, 1, 1))
    expected = np.zeros_like(truth())
    expected[1:3, 1:, 2:13] = truth()[1:3, 1:, 2:13]

    check_masks(find_masks(entries, folder), expected)


def test_a_volume_larger_than_its_series_is_cut(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    larger = np.pad(volume(), 3, constant_values=1)
    write_nifti(path, larger, volume_affine(entries) @ shifted(-3, -3, -3))

    check_masks(find_masks(entries, folder), truth())


def test_a_finer_volume_is_sampled_at_the_centres_of_the_pixels(entries, folder):
    fine = volume().repeat(3, axis=0).repeat(3, axis=1).repeat(5, axis=2)
    finer = np.diag([1 / 3, 1 / 3, 1 / 5, 1]) @ shifted(-1, -1, -2)
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, fine, volume_affine(entries) @ finer)

    check_masks(find_masks(entries, folder), truth())


def test_a_coarser_volume_gives_each_pixel_its_nearest_voxel(entries, folder):
    coarse = np.zeros((8, 6, 2))
    coarse[2, 3, 1] = 1
    coarser = shifted(0.5, 0.5, 0.5) @ np.diag([2.0, 2, 2, 1])
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, coarse, volume_affine(entries) @ coarser)
    expected = np.zeros_like(truth())
    expected[2:4, 6:8, 4:6] = True

    check_masks(find_masks(entries, folder), expected)


def test_a_shift_by_part_of_a_voxel_gives_the_nearest_voxel(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume(), volume_affine(entries) @ shifted(0.4, -0.4, 0.4))

    check_masks(find_masks(entries, folder), truth())


def test_a_sheared_nifti_lands_where_it_says(entries, folder):
    padded = np.pad(volume(), ((3, 3), (0, 0), (0, 0)))
    sheared = np.stack([padded[n : n + 19, :, n] for n in range(SLICES)], axis=2)
    shear = shifted(-3, 0, 0)
    shear[0, 2] = 1
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, sheared, volume_affine(entries) @ shear)

    check_masks(find_masks(entries, folder), truth())


def test_a_slice_beyond_half_a_voxel_of_the_volume_has_no_mask(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume()[:, :, 2:3], volume_affine(entries) @ shifted(0, 0, 1.45))

    found = find_masks(entries, folder)

    assert list(found) == [1]
    np.testing.assert_array_equal(found[1], truth()[2])


def test_a_turned_volume_is_resampled():
    turn = np.deg2rad(31)
    to_patient = np.eye(4)
    to_patient[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    grid = MarkedGrid.cropped(
        np.pad(np.ones((21, 21, 1), bool), ((9, 9), (9, 9), (0, 0))), to_patient
    )
    geometry = SliceGeometry(80, 80, (-40.0, -10.0, 0.0), (1, 0, 0, 0, 1, 0), (1.0, 1.0))

    mask = grid.on_slice(geometry)

    y, x = np.indices((80, 80)) + np.array([-10, -40])[:, None, None]
    u, v = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
    np.testing.assert_array_equal(mask, (u > 8.5) & (u < 29.5) & (v > 8.5) & (v < 29.5))


def test_ties_between_two_voxels_all_go_the_same_way():
    inside = np.zeros((10, 1, 1), bool)
    inside[::2] = True
    geometry = SliceGeometry(1, 9, (0.5, 0.0, 0.0), (1, 0, 0, 0, 1, 0), (1.0, 1.0))

    mask = MarkedGrid.cropped(inside, np.eye(4)).on_slice(geometry)

    assert mask[0].tolist() == [False, True] * 4 + [False]


# Names


@pytest.mark.parametrize("name", ["{}", "{}_heart", "{}/heart", "a/{}", "a/{}/left_heart"])
def test_a_volume_is_named_after_its_series(entries, folder, name):
    path = folder / f"{name.format(entries[0].series_uid)}.nii.gz"
    write_nifti(path, volume(), volume_affine(entries))

    check_masks(find_masks(entries, folder), truth())


def image_volume(entries: list[SliceEntry], path: str, series_uid: str) -> list[SliceEntry]:
    """The slices as those of an image volume."""
    return [
        replace(
            entry,
            path=path,
            series_uid=series_uid,
            slice_id=volume_slice_id(series_uid, number),
            frame=number,
        )
        for number, entry in enumerate(entries)
    ]


@pytest.mark.parametrize("name", ["scan_1", "scan_1_heart", "scan_1/heart", "b4a1", "b4a1_heart"])
def test_a_volume_is_named_after_an_image_volume_or_its_pseudonym(entries, folder, name):
    entries = image_volume(entries, "/data/scan_1.mhd", "b4a1")
    write_nifti(folder / f"{name}.nii.gz", volume(), volume_affine(entries))

    check_masks(find_masks(entries, folder), truth())


@pytest.mark.parametrize("name", ["\u00fc", "u\u0308", "u\u0308_a\u0308", "\u00fc/a\u0308"])
def test_accents_are_compared_however_they_are_encoded(entries, folder, name):
    entries = image_volume(entries, "/data/u\u0308.mhd", "\u00fc")
    write_nifti(folder / f"{name}.nii.gz", volume(), volume_affine(entries))

    masks, _ = match_masks(entries, folder, ["\u00e4"] if "a" in name else None)

    assert len(masks) == np.any(truth(), axis=(1, 2)).sum()


def test_the_longest_name_of_an_image_wins(entries, folder):
    short = image_volume(entries, "/data/scan.mhd", "scan")
    long = image_volume(entries, "/data/scan_1.mhd", "scan_1")
    write_nifti(folder / "scan_1_heart.nii.gz", volume(), volume_affine(entries))

    masks, _ = match_masks([*short, *long], folder, ["heart"])

    assert {slice_id.rsplit("-", 1)[0] for slice_id in masks} == {"scan_1"}


def test_a_name_of_several_image_volumes_is_set_aside(entries, folder):
    one = image_volume(entries, "/data/a/scan.mhd", "scan")
    other = image_volume(entries, "/data/b/scan.mhd", "scan")
    write_nifti(folder / "scan.nii.gz", volume(), volume_affine(entries))

    assert only_reason([*one, *other, *entries], folder) == (
        "mask fits several image volumes of that name: rename the images"
    )


@pytest.mark.parametrize(
    "name", ["{}/scan{}", "{}/scan{}_heart", "{}/scan{}/heart", "{}_scan{}", "x/{}_scan{}"]
)
@pytest.mark.parametrize("suffix", ["nii.gz", "png"])
def test_images_of_one_name_are_told_apart_by_the_folder_of_the_mask(entries, folder, name, suffix):
    volumes = {
        patient: image_volume(entries, f"/data/{patient}/scan.mhd", f"{patient}_scan")
        for patient in ("P1", "P2")
    }
    number = "-0002" if suffix == "png" else ""
    for patient, slices in volumes.items():
        path = folder / f"{name.format(patient, number)}.{suffix}"
        if suffix == "png":
            write_png(path, truth()[2])
        else:
            write_nifti(path, volume(), volume_affine(slices))

    masks, rejected = match_masks([*volumes["P1"], *volumes["P2"]], folder)

    assert not rejected
    expected = (2,) if suffix == "png" else (0, 2, 3)
    assert set(masks) == {f"{patient}_scan-{n:04d}" for patient in volumes for n in expected}
    for slice_id, found in masks.items():
        assert [slice_id[:2] in it["path"] for it in found] == [True]


@pytest.mark.parametrize("name", ["scan-0002.png", "x/scan-0002.png", "scan-0002/heart.png"])
def test_a_png_of_several_image_volumes_is_set_aside(entries, folder, name):
    one = image_volume(entries, "/data/a/scan.mhd", "a_scan")
    other = image_volume(entries, "/data/b/scan.mhd", "b_scan")
    write_png(folder / name, truth()[2])

    assert only_reason([*one, *other, *entries], folder) == (
        "mask fits several image volumes of that name: rename the images"
    )


def test_an_image_of_the_cohort_is_no_mask_and_not_set_aside(entries, folder):
    path = write_nifti(folder / "scan.nii.gz", volume(), volume_affine(entries))
    entries = image_volume(entries, str(path), "scan")
    write_nifti(folder / "scan_heart.nii.gz", volume(), volume_affine(entries))

    masks, rejected = match_masks(entries, folder)

    assert {Path(it["path"]).name for found in masks.values() for it in found} == {
        "scan_heart.nii.gz"
    }
    assert not rejected


def test_a_volume_of_no_series_is_set_aside(entries, folder):
    write_nifti(folder / "1.2.3.nii.gz", volume(), volume_affine(entries))

    assert only_reason(entries, folder) == (
        "mask fits no series: no SeriesInstanceUID or image volume of that name"
    )


# Headers with a data file


@pytest.mark.parametrize(
    ("suffix", "key"), [(".mhd", "ElementDataFile = "), (".nhdr", "data file: ")]
)
def test_the_data_of_a_header_may_lie_elsewhere(entries, folder, suffix, key):
    path = write_volume(
        folder / f"{entries[0].series_uid}{suffix}", volume(), volume_affine(entries)
    )
    (folder / "voxels").mkdir()
    path.with_suffix(".raw").rename(folder / "voxels" / "of it.bin")
    text = path.read_text().replace(f"{key}{path.stem}.raw", f"{key}voxels/of it.bin")
    path.write_text(text)

    check_masks(find_masks(entries, folder), truth())


def test_a_header_without_its_data_is_set_aside(entries, folder):
    path = write_volume(folder / f"{entries[0].series_uid}.mhd", volume(), volume_affine(entries))
    path.with_suffix(".raw").unlink()

    assert only_reason(entries, folder) == "mask is a header whose data file is missing"


def test_a_header_with_many_data_files_is_set_aside(entries, folder):
    path = write_volume(folder / f"{entries[0].series_uid}.mhd", volume(), volume_affine(entries))
    text = path.read_text().replace(f"{path.stem}.raw", "slice%02d.raw 0 3 1")
    path.write_text(text)

    reason = "mask is spread over several data files: write it as one volume"
    assert only_reason(entries, folder) == reason


# Volumes that do not fit


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize("steps", [(100, 0, 0), (0, 100, 0), (0, 0, -9)], ids=str)
def test_a_volume_elsewhere_lies_outside_of_its_series(entries, folder, suffix, steps):
    path = folder / f"{entries[0].series_uid}{suffix}"
    WRITERS[suffix](path, volume(), volume_affine(entries) @ shifted(*steps))

    assert only_reason(entries, folder) == OUTSIDE


def test_a_volume_marked_only_between_the_slices_marks_none(entries, folder):
    fine = np.zeros((16, 12, SLICES * 5))
    fine[:, :, 2] = 1
    finer = np.diag([1, 1, 1 / 5, 1])
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, fine, volume_affine(entries) @ finer)

    assert only_reason(entries, folder) == "mask marks no pixel of its series"


def test_an_empty_volume_is_set_aside(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume() * 0, volume_affine(entries))

    assert only_reason(entries, folder) == "mask is empty"


def test_a_volume_without_the_chosen_value_says_so(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume(), volume_affine(entries))

    assert only_reason(entries, folder, [2]) == (
        "mask has no pixel of a value that `structures` names (2)"
    )


def test_an_empty_volume_beside_its_slices_fits_none(entries, folder):
    affine = volume_affine(entries)
    affine[:3, 3] += 1000
    write_nifti(folder / f"{entries[0].series_uid}.nii.gz", volume() * 0, affine)

    reason = "mask lies outside of its series: check orientation and origin"
    assert only_reason(entries, folder) == reason


def test_a_volume_of_four_dimensions_is_set_aside(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume()[..., None].repeat(2, axis=3), volume_affine(entries))

    assert only_reason(entries, folder) == "mask volume has 4 dimensions, not 3"


def test_a_fourth_dimension_of_one_is_no_harm(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume()[..., None], volume_affine(entries))

    check_masks(find_masks(entries, folder), truth())


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_a_volume_with_several_values_per_voxel_is_set_aside(entries, folder, suffix):
    path = folder / f"{entries[0].series_uid}{suffix}"
    write_volume(path, volume()[..., None].repeat(2, axis=3), volume_affine(entries))

    assert only_reason(entries, folder) == "mask volume has several values per voxel"


def test_a_flat_nifti_is_set_aside(entries, folder):
    path = folder / f"{entries[0].series_uid}.nii.gz"
    write_nifti(path, volume(), volume_affine(entries) @ np.diag([1, 1, 0, 1]))

    assert only_reason(entries, folder) == "mask volume has axes that do not span a space"


def test_a_flat_metaimage_is_set_aside(entries, folder):
    path = write_volume(folder / f"{entries[0].series_uid}.mha", volume(), volume_affine(entries))
    content = path.read_bytes()
    matrix = b"TransformMatrix = 1 0 0 0 1 0 0 0 "
    assert matrix + b"1" in content
    path.write_bytes(content.replace(matrix + b"1", matrix + b"0"))

    assert only_reason(entries, folder) == "mask volume has axes that do not span a space"


@pytest.mark.parametrize("format_name", [".nii.gz", ".nrrd", ".mha"])
def test_a_wrong_checksum_is_noticed(entries, folder, format_name):
    path = folder / f"{entries[0].series_uid}{format_name}"
    noise = np.random.default_rng(0).integers(0, 2, volume().shape)
    if format_name == ".nii.gz":
        write_nifti(path, noise, volume_affine(entries))
    else:
        write_volume(path, noise, volume_affine(entries), zipped=True)
    content = bytearray(path.read_bytes())
    content[-2 if format_name == ".mha" else -6] ^= 0xFF
    path.write_bytes(content)

    assert only_reason(entries, folder).startswith("mask cannot be read as ")


def test_a_volume_that_has_changed_is_read_again(entries, folder):
    path = folder / f"{entries[2].series_uid}.nii.gz"
    for mask in (blob(), ~blob()):
        content = np.zeros(volume().shape)
        content[:, :, 2] = mask.T
        write_nifti(path, content, volume_affine(entries))
        content = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(content, compresslevel=9 if mask[0, 0] else 1))

        found = read_mask(path, entries[2].slice_id, entries[2].geometry)

        np.testing.assert_array_equal(found, mask)
