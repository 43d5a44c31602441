"""Masks of real CT as their makers keep them; needs the folder named by CT_IMPORTANCE_DATA."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.slice_entry import SliceEntry
from tests.cohort.entries import slice_entry
from tests.cohort.indexing import index_folders
from tests.cohort.matched import match_masks

pytestmark = pytest.mark.skipif(
    "CT_IMPORTANCE_DATA" not in os.environ,
    reason="CT_IMPORTANCE_DATA does not name the folder with real CT",
)
DATA = Path(os.environ.get("CT_IMPORTANCE_DATA", "")).resolve()
SEG, CHEST = DATA / "dicom_edge_cases" / "dcmqi_seg", DATA / "chest_cta_masks"


@pytest.fixture(scope="module")
def liver_slices() -> list[SliceEntry]:
    return index_folders([SEG], keep_derived=True).slices


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "masks").mkdir()
    return tmp_path / "masks"


def itk_volume(path: Path) -> np.ndarray:
    import SimpleITK

    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(path)) > 0


def test_a_seg_of_dcmqi_gives_the_pixels_it_was_made_of(liver_slices, folder):
    shutil.copy(SEG / "liver.dcm", folder)

    masks, rejected = match_masks(liver_slices, folder)

    assert not rejected
    assert len(masks) == len(liver_slices) == 3
    made_of = itk_volume(SEG / "liver_seg.nrrd")
    for entry, expected in zip(liver_slices, made_of, strict=True):
        mask = read_mask(folder / "liver.dcm", entry.slice_id, entry.geometry)
        np.testing.assert_array_equal(mask, expected)


def test_an_nrrd_beside_the_seg_gives_the_same_pixels(liver_slices, folder):
    path = folder / f"{liver_slices[0].series_uid}_liver.nrrd"
    shutil.copy(SEG / "liver_seg.nrrd", path)

    match_masks(liver_slices, folder, ["Liver"])

    for entry in liver_slices:
        np.testing.assert_array_equal(
            read_mask(path, entry.slice_id, entry.geometry, ["Liver"]),
            read_mask(SEG / "liver.dcm", entry.slice_id, entry.geometry, [1]),
        )


def test_segments_that_overlap_in_part_are_chosen_one_by_one(liver_slices, folder):
    path = shutil.copy(SEG / "partial_overlaps.dcm", folder)
    entry = liver_slices[1]

    each = [read_mask(path, entry.slice_id, entry.geometry, [number]) for number in range(1, 6)]

    assert sum(mask.any() for mask in each) > 1
    union = read_mask(path, entry.slice_id, entry.geometry)
    np.testing.assert_array_equal(np.any(each, axis=0), union)
    assert match_masks(liver_slices, folder, [1])[0]


def test_other_real_files_are_set_aside_with_a_reason(liver_slices, folder):
    for path in (SEG / "liver.dcm", SEG / "01.dcm", SEG / "heart_seg.nrrd"):
        shutil.copy(path, folder)
    shutil.copy(SEG.parent / "pydicom" / "liver_rle.dcm", folder)

    _, rejected = match_masks(liver_slices, folder)

    assert {Path(path).name: reason for path, reason in rejected.items()} == {
        "01.dcm": "an image, not a mask",
        "heart_seg.nrrd": "mask fits no series: no SeriesInstanceUID or image volume of that name",
        # 1-bit pixels are not meant to be compressed with RLE; no decoder reads them.
        "liver_rle.dcm": "mask cannot be read as DICOM SEG: damaged",
    }


def chest_slices(name: str) -> tuple[np.ndarray, list[SliceEntry]]:
    """The voxels (column, row, slice) of a NIfTI volume, and its slices as image slices."""
    import nibabel

    image = nibabel.load(CHEST / name)
    to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    spacing = np.linalg.norm(to_lps[:3, :3], axis=0)
    axes = to_lps[:3, :3] / spacing
    columns, rows, count = image.shape
    entries = [
        slice_entry(
            slice_id=f"ct_{number}",
            series_uid="ct",
            path=str(CHEST / name),
            frame=number,
            rows=rows,
            columns=columns,
            origin=tuple(to_lps[:3] @ [0, 0, number, 1]),
            orientation=(*axes[:, 0], *axes[:, 1]),
            spacing=(float(spacing[1]), float(spacing[0])),
        )
        for number in range(count)
    ]
    return np.asarray(image.dataobj), entries


def read_all(path: Path, entries: list[SliceEntry]) -> np.ndarray:
    """The mask of a file as a volume (column, row, slice)."""
    masks = [read_mask(path, entry.slice_id, entry.geometry) for entry in entries]
    return np.stack([mask.T for mask in masks], axis=2)


def test_a_mask_on_the_grid_of_its_image_comes_out_bit_by_bit(folder):
    import nibabel

    _, entries = chest_slices("ct_cropped.nii.gz")
    path = folder / "ct_cropped_aorta.nii.gz"
    shutil.copy(CHEST / "aorta.nii.gz", path)
    expected = np.asarray(nibabel.load(path).dataobj) > 0

    masks, rejected = match_masks(entries, folder)

    assert not rejected
    np.testing.assert_array_equal(read_all(path, entries), expected)
    assert {int(name[3:]) for name in masks} == set(np.flatnonzero(expected.any(axis=(0, 1))))


def test_a_mask_on_another_grid_lands_on_the_heart(folder):
    import nibabel
    from nibabel.processing import resample_from_to

    image, entries = chest_slices("ct_cropped.nii.gz")
    path = folder / "ct_cropped_heart.nii.gz"
    shutil.copy(CHEST / "heart.nii.gz", path)

    masks, _ = match_masks(entries, folder)

    heart = read_all(path, entries)
    grid = nibabel.load(CHEST / "ct_cropped.nii.gz")
    expected = resample_from_to(nibabel.load(path), (grid.shape, grid.affine), order=0)
    assert heart.any()
    assert {int(name[3:]) for name in masks} == set(np.flatnonzero(heart.any(axis=(0, 1))))
    assert np.mean(heart != (np.asarray(expected.dataobj) > 0)) < 1e-3
    # Blood and muscle, not lung.
    assert np.median(image[heart]) > 30
    assert np.mean(image[heart] < -300) < 0.02


def test_a_mask_of_another_crop_is_cut_to_the_image(folder):
    _, entries = chest_slices("ct_cropped.nii.gz")
    path = folder / "ct_cropped_pulmonary_artery.nii.gz"
    shutil.copy(CHEST / "pulmonary_artery_other_crop.nii.gz", path)
    other, _ = chest_slices("ct_other_crop.nii.gz")

    masks, _ = match_masks(entries, folder, ["pulmonary_artery"])

    assert masks
    artery = read_all(path, entries)
    assert 0 < artery.sum() < other.size


def test_the_masks_of_tcga_all_fit(folder):
    slices = index_folders([DATA / "tcga_luad_contrast" / "dicom"], keep_derived=True).slices

    masks, rejected = match_masks(slices, DATA / "tcga_luad_contrast" / "masks")

    assert not rejected
    assert len(masks) >= 50
