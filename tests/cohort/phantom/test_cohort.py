import csv
import hashlib
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion

from ct_importance.cohort.options import PhantomOptions
from ct_importance.cohort.phantom.anatomy.render import draw_patient, render
from ct_importance.cohort.phantom.cohort import (
    annotated_slices,
    evenly_spaced,
    plan_cohort,
    write_phantom_cohort,
)
from ct_importance.cohort.phantom.contrast import BLOOD_POOLS, tissues

SEED = 3
OPTIONS = PhantomOptions(patients=4, slices=6, matrix=96, annotated_slices=2)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom_cohort(folder, OPTIONS, SEED)
    return folder


@pytest.fixture(scope="module")
def series(cohort: Path) -> dict[str, list[pydicom.Dataset]]:
    """Axial slices of every patient, in the order of the file names."""
    return {
        folder.name: [pydicom.dcmread(path) for path in sorted((folder / "002").iterdir())]
        for folder in sorted((cohort / "dicom").iterdir())
    }


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def truth(folder: Path) -> dict[str, bool]:
    with (folder / "truth.csv").open(newline="") as file:
        return {row["patient_id"]: row["contrast"] == "1" for row in csv.DictReader(file)}


def hounsfield(dataset: pydicom.Dataset) -> np.ndarray:
    return dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)


def masks_of(cohort: Path, slices: list[pydicom.Dataset]) -> dict[str, np.ndarray]:
    """Masks by SOP instance UID; a volume is cut where the geometry of each slice says."""
    volume = cohort / "masks" / f"{slices[0].SeriesInstanceUID}.nii.gz"
    if not volume.exists():
        paths = {ds.SOPInstanceUID: cohort / "masks" / f"{ds.SOPInstanceUID}.png" for ds in slices}
        return {uid: np.array(Image.open(p)) > 0 for uid, p in paths.items() if p.exists()}
    image = nibabel.load(volume)
    found = {}
    for dataset in slices:
        mask = sample(image, dataset)
        if mask.any():
            found[dataset.SOPInstanceUID] = mask
    return found


def sample(image: nibabel.Nifti1Image, dataset: pydicom.Dataset) -> np.ndarray:
    """Return the labels of a volume at the pixels of a slice, by their patient coordinates."""
    rows, columns = np.mgrid[: dataset.Rows, : dataset.Columns]
    along_row = np.array(dataset.ImageOrientationPatient[:3], dtype=float)
    along_column = np.array(dataset.ImageOrientationPatient[3:], dtype=float)
    lps = (
        np.array(dataset.ImagePositionPatient, dtype=float)
        + columns[..., None] * along_row * float(dataset.PixelSpacing[1])
        + rows[..., None] * along_column * float(dataset.PixelSpacing[0])
    )
    inverse = np.linalg.inv(image.affine)
    index = (lps * [-1, -1, 1]) @ inverse[:3, :3].T + inverse[:3, 3]
    assert np.abs(index - np.rint(index)).max() < 0.01
    i, j, k = np.rint(index).astype(int).transpose(2, 0, 1)
    return np.asarray(image.dataobj)[i, j, k] > 0


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(
    cohort: Path, tmp_path: Path
) -> None:
    write_phantom_cohort(tmp_path, OPTIONS, SEED, workers=2)

    assert digests(tmp_path) == digests(cohort)


def test_another_seed_gives_other_images(cohort: Path, tmp_path: Path) -> None:
    write_phantom_cohort(tmp_path, PhantomOptions(patients=4, slices=4, matrix=64), SEED + 1)

    assert not set(digests(tmp_path).values()) & set(digests(cohort).values())


def test_the_headers_are_those_of_axial_ct(series: dict[str, list[pydicom.Dataset]]) -> None:
    for patient_id, slices in series.items():
        assert len(slices) == OPTIONS.slices
        assert len({ds.SeriesInstanceUID for ds in slices}) == 1
        assert len({ds.SOPInstanceUID for ds in slices}) == OPTIONS.slices
        assert sorted(ds.InstanceNumber for ds in slices) == list(range(1, OPTIONS.slices + 1))
        heights = np.sort([float(ds.ImagePositionPatient[2]) for ds in slices])
        for dataset in slices:
            assert dataset.SOPClassUID == pydicom.uid.CTImageStorage
            assert dataset.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
            assert dataset.PatientID == patient_id == str(dataset.PatientName)
            assert list(dataset.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
            assert dataset.pixel_array.shape == (OPTIONS.matrix, OPTIONS.matrix)
            assert np.allclose(np.diff(heights), dataset.SpacingBetweenSlices, atol=1e-3)


def test_the_formats_differ_as_readers_must_expect(
    cohort: Path, series: dict[str, list[pydicom.Dataset]]
) -> None:
    first = [slices[0] for slices in series.values()]
    assert {ds.PixelRepresentation for ds in first} == {0, 1}
    assert len({ds.file_meta.TransferSyntaxUID for ds in first}) == 2
    upwards = [
        bool(np.all(np.diff([float(ds.ImagePositionPatient[2]) for ds in slices]) > 0))
        for slices in series.values()
    ]
    assert not all(upwards)
    localizers = [pydicom.dcmread(path) for path in cohort.glob("dicom/*/001/*.dcm")]
    assert localizers
    assert all("LOCALIZER" in dataset.ImageType for dataset in localizers)


def test_padding_lies_outside_the_field_of_reconstruction_only(
    series: dict[str, list[pydicom.Dataset]],
) -> None:
    padded = [ds for slices in series.values() for ds in slices if "PixelPaddingValue" in ds]
    assert padded
    size = OPTIONS.matrix
    offsets = np.arange(size) - (size - 1) / 2
    outside = np.hypot(offsets[:, None], offsets) > size / 2
    for dataset in padded:
        assert np.array_equal(dataset.pixel_array == dataset.PixelPaddingValue, outside)


def test_contrast_shows_in_the_masked_blood(
    cohort: Path, series: dict[str, list[pydicom.Dataset]]
) -> None:
    contrast = truth(cohort)
    for patient_id, slices in series.items():
        masks = masks_of(cohort, slices)
        assert len(masks) == OPTIONS.annotated_slices
        for dataset in slices:
            if dataset.SOPInstanceUID not in masks:
                continue
            mask = masks[dataset.SOPInstanceUID]
            assert 0.004 < mask.mean() < 0.12
            # Coarse pixels at the rim of a vessel are part fat or lung.
            blood = np.median(hounsfield(dataset)[binary_erosion(mask)])
            low, high = (150, 400) if contrast[patient_id] else (20, 70)
            assert low <= blood <= high


def test_masks_come_as_images_and_as_volumes_for_both_classes(cohort: Path) -> None:
    contrast = truth(cohort)
    as_volume = {
        label: [p.mask_volume for p in plan_cohort(OPTIONS.patients, SEED) if p.contrast == label]
        for label in (False, True)
    }
    assert sorted(as_volume[False]) == sorted(as_volume[True]) == [False, True]
    assert len(list(cohort.glob("masks/*.nii.gz"))) == len(contrast) // 2
    for path in cohort.glob("masks/*.png"):
        with Image.open(path) as image:
            assert image.mode == "L"
            assert set(np.unique(np.array(image))) == {0, 255}


@pytest.mark.parametrize("height", [45.0, -15.0, -70.0])
def test_contrast_agent_changes_the_blood_and_nothing_else(height: float) -> None:
    patient = draw_patient((SEED, "anyone"), (-165.0, 104.0), 128, 20.0)
    native = tissues(False, "anyone", SEED)
    enhanced = native | {name: tissues(True, "anyone", SEED)[name] for name in BLOOD_POOLS}

    before, after = render(patient, height, native), render(patient, height, enhanced)

    assert np.array_equal(before.pools, after.pools)
    blood = before.pools > 0.5
    change = after.hu - before.hu
    assert np.median(change[blood]) > 80
    far_away = ~binary_dilation(before.pools > 0, iterations=2)
    # Beyond the pools only the vessels of the lung are left.
    changed = far_away & (np.abs(change) > 1)
    assert changed.mean() < 0.03
    beside_lung = binary_dilation(before.hu < -500, iterations=4)
    assert not np.any(changed & ~beside_lung)


def test_slices_change_smoothly_along_z() -> None:
    patient = draw_patient((SEED, "anyone"), (-165.0, 104.0), 96, 20.0)
    native = tissues(False, "anyone", SEED)

    def difference(distance: float) -> float:
        here, there = (render(patient, -40.0 + d, native).hu for d in (0, distance))
        return float(np.abs(here - there).mean())

    assert difference(0.1) < 0.2 * difference(1.0) < 0.2 * difference(20.0)


def test_truth_is_balanced_and_independent_of_number_and_acquisition() -> None:
    plan = plan_cohort(40, SEED)
    contrast = [patient.contrast for patient in plan]

    assert sum(contrast) == 20
    assert contrast != sorted(contrast)
    assert contrast != [number % 2 == contrast[0] for number in range(40)]
    with_agent, without = (
        sorted(str((p.acquisition, p.mask_volume)) for p in plan if p.contrast == label)
        for label in (True, False)
    )
    assert with_agent == without


def test_truth_file_says_what_the_headers_say(
    cohort: Path, series: dict[str, list[pydicom.Dataset]]
) -> None:
    plan = {patient.patient_id: patient.contrast for patient in plan_cohort(4, SEED)}
    assert truth(cohort) == plan
    for patient_id, slices in series.items():
        described = [
            "WITHOUT" not in ds.StudyDescription and "W/O" not in ds.StudyDescription
            for ds in slices
        ]
        tagged = ["ContrastBolusAgent" in ds for ds in slices]
        assert all(tagged) or all(described) if plan[patient_id] else not any(tagged + described)


def test_labels_of_some_patients_are_in_one_place_only() -> None:
    patients = [patient for patient in plan_cohort(24, SEED) if patient.contrast]
    tagged = [p for p in patients if "ContrastBolusAgent" in p.texts]
    untagged = [p for p in patients if "ContrastBolusAgent" not in p.texts]
    contradicting = [p for p in tagged if "WITHOUT" in p.texts["StudyDescription"]]

    assert 0 < len(untagged) < len(tagged)
    assert all(p.texts["StudyDescription"] == "CT CHEST W CONTRAST" for p in untagged)
    assert len(contradicting) == 1


@pytest.mark.parametrize("count", [1, 2, 5, 12, 30])
def test_annotated_slices_are_as_many_as_asked_if_there_are_so_many(count: int) -> None:
    heights, options = np.linspace(-165, 104, 20), PhantomOptions(annotated_slices=count)

    for phase in (0.0, 0.5, 0.999):
        assert len(annotated_slices(heights, np.zeros((20, 2, 2)), options, phase)) == min(
            count, 20
        )
    assert evenly_spaced(np.arange(0), count, 0.5) == set()


def test_as_many_patients_as_asked_have_masks_half_of_them_with_contrast() -> None:
    annotated = [patient for patient in plan_cohort(12, SEED, 6) if patient.annotated]
    assert len(annotated) == 6
    assert sum(patient.contrast for patient in annotated) == 3
    assert all(patient.annotated for patient in plan_cohort(12, SEED))
