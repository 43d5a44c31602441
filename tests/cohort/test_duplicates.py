"""Copies, ids that are used again, and series that hold more than one scan."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import RLELossless

from tests.cohort.dicom_files import picture, uid, write_ct, write_series
from tests.cohort.indexing import GOOD_SLICES, index_folders, reasons


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cohort of one good series in `dicom/good`; tests add what they are about."""
    write_series(tmp_path / "dicom" / "good", GOOD_SLICES)
    return tmp_path / "dicom"


def test_an_exact_copy_under_the_same_patient_is_set_aside(folder):
    write_ct(folder / "sole.dcm", patient="P2", stored=picture(1))
    write_ct(folder / "twin.dcm", patient="P2", series="again", stored=picture(1))

    index = index_folders([folder])

    assert reasons(index, folder) == {"twin.dcm": "exact copy of sole.dcm"}
    assert index.same_person == set()


def test_an_exact_copy_under_another_patient_makes_them_one_person(folder):
    write_ct(folder / "a.dcm", patient="P2", stored=picture(1))
    write_ct(folder / "b.dcm", patient="P3", stored=picture(1))
    write_ct(folder / "c.dcm", patient="P3", z=5)

    index = index_folders([folder])

    assert reasons(index, folder) == {"b.dcm": "exact copy of a.dcm"}
    assert index.same_person == {("P2", "P3")}
    assert [entry.patient_id for entry in index.slices][-2:] == ["P2", "P3"]


def test_slices_that_are_alike_in_the_middle_only_are_no_copies(folder):
    stored = np.full((64, 64), 24, np.uint16)
    write_ct(folder / "a.dcm", patient="P2", stored=stored)
    stored[0, 0] += 1
    write_ct(folder / "b.dcm", patient="P3", stored=stored)

    assert not index_folders([folder]).rejected


def test_an_instance_uid_used_again_for_another_image_is_set_aside(folder):
    write_ct(folder / "a.dcm", patient="P2", SOPInstanceUID=uid("same"))
    write_ct(folder / "b.dcm", patient="P3", SOPInstanceUID=uid("same"))

    index = index_folders([folder])

    assert reasons(index, folder) == {
        "b.dcm": "has the SOPInstanceUID of a.dcm, stored differently"
    }
    slice_ids = [entry.slice_id for entry in index.slices]
    assert len(set(slice_ids)) == len(slice_ids) == GOOD_SLICES + 1


def test_patients_that_share_an_instance_uid_in_two_encodings_are_one_person(folder):
    same = {"SOPInstanceUID": uid("same"), "stored": picture(1)}
    write_ct(folder / "a.dcm", patient="P2", **same)
    write_ct(folder / "b.dcm", RLELossless, patient="P3", **same)
    write_ct(folder / "c.dcm", patient="P2", z=5, SOPInstanceUID=uid("same"))

    index = index_folders([folder])

    assert set(index.rejected) == {f"{folder}/b.dcm", f"{folder}/c.dcm"}
    assert index.same_person == {("P2", "P3")}


def test_one_slice_is_kept_at_each_position_of_a_series_that_of_the_highest_voltage(folder):
    for kvp in ("140", "80"):
        for z in (0, 5):
            write_ct(
                folder / f"{z}_{kvp}.dcm",
                patient="P2",
                z=z,
                stored=picture(int(kvp) + z),
                KVP=kvp,
                SOPInstanceUID=uid(kvp, z),
            )

    reason = "second slice of its series at one position (multi-energy or repeated)"
    assert reasons(index_folders([folder]), folder) == {"0_80.dcm": reason, "5_80.dcm": reason}


def test_thin_slices_are_not_taken_for_one_position(tmp_path):
    write_series(tmp_path, slices=6, spacing=0.3)

    assert len(index_folders([tmp_path]).slices) == 6


@pytest.mark.parametrize(
    "odd",
    [{"ImageOrientationPatient": [-1, 0, 0, 0, -1, 0]}, {"stored": picture(9, 8, 8)}],
    ids=["orientation", "matrix"],
)
def test_the_minority_of_a_series_is_set_aside(folder, odd):
    write_ct(folder / "odd.dcm", z=100, **odd)

    assert reasons(index_folders([folder]), folder) == {
        "odd.dcm": "orientation or matrix differs from the rest of the series"
    }


def test_of_one_scan_at_two_voltages_the_lower_is_set_aside(folder):
    write_series(folder / "high", 2, patient="P2", series="high", KVP="140")
    write_series(folder / "low", 2, patient="P2", series="low", KVP="80")

    index = index_folders([folder])

    reason = "multi-energy copy: lower tube voltage of one scan"
    assert reasons(index, folder) == {"low/3.dcm": reason, "low/10.dcm": reason}


@pytest.mark.parametrize(
    "difference",
    [
        {"AcquisitionNumber": 2},
        {"AcquisitionTime": "101800"},
        {"FrameOfReferenceUID": uid("other frame")},
        {"without": ("FrameOfReferenceUID",)},
        {"KVP": "120"},
        {"patient": "P3"},
    ],
    ids=str,
)
def test_scans_at_two_voltages_that_were_not_taken_at_once_are_both_kept(folder, difference):
    write_series(folder / "a", 2, patient="P2", series="a", KVP="120")
    write_series(folder / "b", 2, **{"patient": "P2", "series": "b", "KVP": "100"} | difference)

    assert not index_folders([folder]).rejected


def test_phases_at_two_voltages_are_kept_if_nothing_says_when_they_were_taken(folder):
    silent = ("AcquisitionNumber", "AcquisitionTime")
    write_series(folder / "a", 2, patient="P2", series="a", KVP="120", without=silent)
    write_series(folder / "b", 2, patient="P2", series="b", KVP="100", without=silent)

    assert not index_folders([folder]).rejected
