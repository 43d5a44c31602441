import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    RLELossless,
)

from ct_importance.cohort.extraction import extract_slices
from ct_importance.cohort.headers import ImageSource
from ct_importance.cohort.labels.series import label_series
from ct_importance.cohort.labels.slice_labels import SliceLabels
from ct_importance.cohort.options import ExtractionOptions, LabelOptions, SelectionOptions
from ct_importance.cohort.plan.selection import plan_cohort
from ct_importance.cohort.slice_entry import (
    REJECTED_SCHEMA,
    SliceEntry,
    read_index,
    write_index,
    write_rejected,
)
from ct_importance.errors import InputError
from ct_importance.workflow.running import job_log
from tests.cohort.dicom_files import COLUMNS, ROWS, write_ct, write_series
from tests.cohort.indexing import GOOD_SLICES, index_folders, index_sources, reasons


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cohort of one good series in `dicom/good`; tests add what they are about."""
    write_series(tmp_path / "dicom" / "good", GOOD_SLICES)
    return tmp_path / "dicom"


def other_orientation(*cosines: float) -> Callable[[Path], None]:
    return lambda path: write_ct(path, patient="BAD", ImageOrientationPatient=list(cosines))


def lacking(*keywords: str) -> Callable[[Path], None]:
    return lambda path: write_ct(path, patient="BAD", without=keywords)


def changed(**changes: object) -> Callable[[Path], None]:
    return lambda path: write_ct(path, **{"patient": "BAD", **changes})


def cut_short(path: Path) -> None:
    write_ct(path, patient="BAD")
    path.write_bytes(path.read_bytes()[:-10])


def cut_in_header(path: Path) -> None:
    write_ct(path, patient="BAD")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"\x20\x00\x0d\x00UI") + 20])


def without_transfer_syntax(path: Path) -> None:
    write_ct(path, patient="BAD")
    content = path.read_bytes()
    start = content.index(b"\x02\x00\x10\x00UI")
    path.write_bytes(content[:start] + b"\x02\x00\x11\x00" + content[start + 4 :])


HU_UNKNOWN = "Hounsfield units are unknown"
DERIVED = "derived image (keep_derived: true of the dataset keeps it)"
NOT_AXIAL = "derived image that ImageType calls neither axial nor averaged"
MULTI_FRAME = "multi-frame CT: convert it to one file per slice"
MULTI_ENERGY = "multi-energy image that does not hold Hounsfield units of one energy"
BAD_FILES = {
    "not DICOM": (lambda path: path.write_text("a,b\n1,2\n"), "not a DICOM file"),
    "empty": (lambda path: path.write_bytes(b""), "not a DICOM file"),
    "pixels cut short": (cut_short, "truncated: pixel data are shorter than the header says"),
    "header cut short": (cut_in_header, "no SeriesInstanceUID"),
    "no pixels": (lacking("PixelData"), "no pixel data"),
    "no transfer syntax": (without_transfer_syntax, "no TransferSyntaxUID"),
    "MR": (changed(SOPClassUID=MRImageStorage), "not a CT image (MR Image Storage)"),
    "no SOP class": (lacking("SOPClassUID"), "not a CT image (no SOP class)"),
    "colour": (changed(stored=np.zeros((ROWS, COLUMNS, 3), np.uint8)), "colour image"),
    "multi-frame": (changed(stored=np.zeros((2, ROWS, COLUMNS), np.uint16)), MULTI_FRAME),
    "enhanced": (changed(SOPClassUID=EnhancedCTImageStorage), MULTI_FRAME),
    "localizer": (changed(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "localizer"),
    "derived": (changed(ImageType=["DERIVED", "SECONDARY", "AXIAL"]), DERIVED),
    "derived, not axial": (changed(ImageType=["DERIVED", "SECONDARY", "MPR"]), NOT_AXIAL),
    "monoenergetic": (changed(ImageType=["ORIGINAL", "PRIMARY", "AXIAL", "VMI"]), MULTI_ENERGY),
    "coronal": (other_orientation(1, 0, 0, 0, 0, -1), "not axial"),
    "oblique": (other_orientation(1, 0, 0, 0, 0.7071, 0.7071), "not axial"),
    "skewed": (
        other_orientation(1, 0, 0, 0.5, 1, 0),
        "ImageOrientationPatient is not a pair of orthogonal unit vectors",
    ),
    "no patient": (lacking("PatientID"), "no PatientID"),
    "empty patient": (changed(PatientID=" "), "no PatientID"),
    "no study": (lacking("StudyInstanceUID"), "no StudyInstanceUID"),
    "no series": (lacking("SeriesInstanceUID"), "no SeriesInstanceUID"),
    "no instance": (lacking("SOPInstanceUID"), "no SOPInstanceUID"),
    "no intercept": (lacking("RescaleIntercept"), f"no RescaleIntercept: {HU_UNKNOWN}"),
    "no slope": (lacking("RescaleSlope"), f"no RescaleSlope: {HU_UNKNOWN}"),
    "slope 0": (changed(RescaleSlope="0"), f"RescaleSlope is 0: {HU_UNKNOWN}"),
    "slope NaN": (changed(RescaleSlope=b"nan "), f"RescaleSlope is not a number: {HU_UNKNOWN}"),
    "not HU": (changed(RescaleType="OD"), "RescaleType is not HU"),
    "no orientation": (lacking("ImageOrientationPatient"), "no valid ImageOrientationPatient"),
    "no position": (lacking("ImagePositionPatient"), "no valid ImagePositionPatient"),
    "half a position": (changed(ImagePositionPatient=[0, 0]), "no valid ImagePositionPatient"),
    "no spacing": (lacking("PixelSpacing"), "no valid PixelSpacing"),
    "spacing 0": (changed(PixelSpacing=[0, 1]), "no valid PixelSpacing"),
    "position of words": (
        changed(ImagePositionPatient=b"a\\b\\c "),
        "unreadable header (ImagePositionPatient is not a number)",
    ),
}


def test_each_bad_file_is_set_aside_with_its_reason_and_the_rest_goes_on(folder):
    for name, (write, _) in BAD_FILES.items():
        write(folder / name)

    index = index_folders([folder])

    assert reasons(index, folder) == {name: reason for name, (_, reason) in BAD_FILES.items()}
    assert len(index.slices) == GOOD_SLICES


def test_a_file_name_that_is_not_utf_8_is_set_aside_and_can_be_written(folder, tmp_path):
    odd = os.fsdecode(os.fsencode(folder) + b"/M\xfcller.dcm")
    shutil.copy(folder / "good" / "3.dcm", odd)

    index = index_folders([folder])
    write_rejected(tmp_path / "rejected.parquet", index.rejected)

    assert len(index.slices) == GOOD_SLICES
    assert pq.read_table(tmp_path / "rejected.parquet").to_pylist() == [
        {
            "path": f"{folder}/M\\udcfcller.dcm",
            "reason": "file name is not UTF-8: rename the file or its folder",
        }
    ]


@pytest.mark.parametrize(("keep_derived", "kept"), [(False, GOOD_SLICES), (True, GOOD_SLICES + 2)])
def test_keep_derived_keeps_axial_ones_and_averages_only(folder, keep_derived, kept):
    write_ct(folder / "axial", patient="A", ImageType=["DERIVED", "SECONDARY", "AXIAL"])
    write_ct(folder / "average", patient="C", ImageType=["DERIVED", "SECONDARY", "AVERAGE"])
    write_ct(folder / "coronal", patient="B", ImageType=["DERIVED", "SECONDARY", "MPR"])

    index = index_folders([folder], keep_derived)

    assert len(index.slices) == kept
    assert reasons(index, folder) == {"coronal": NOT_AXIAL} | (
        {} if keep_derived else {"axial": DERIVED, "average": DERIVED}
    )


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless],
    ids=lambda syntax: syntax.name,
)
def test_slices_of_any_transfer_syntax_are_kept(tmp_path, syntax):
    write_ct(tmp_path / "a.dcm", syntax, z=1)
    write_ct(tmp_path / "b.dcm", syntax, z=2)

    index = index_folders([tmp_path])

    assert [header.position for header in index.slices] == [1, 2]
    assert not index.rejected


def test_an_uncompressed_slice_is_checked_for_length_whatever_the_transfer_syntax(folder):
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian):
        path = write_ct(folder / syntax.name, syntax, patient="BAD")
        path.write_bytes(path.read_bytes()[:-1])

    assert set(index_folders([folder]).rejected.values()) == {
        "truncated: pixel data are shorter than the header says"
    }


def test_slices_come_by_position_never_by_file_name_or_instance_number(tmp_path):
    for name, z, number in (("1", 30, 3), ("2", -10, 4), ("10", 10, 1), ("3", 20, 2)):
        write_ct(tmp_path / f"{name}.dcm", z=z, InstanceNumber=number)

    assert [entry.position for entry in index_folders([tmp_path]).slices] == [-10, 10, 20, 30]


def test_position_rises_to_the_head_whichever_way_the_rows_run(tmp_path):
    for z in (5, 0, 10):
        write_ct(tmp_path / f"{z}.dcm", z=z, ImageOrientationPatient=[1, 0, 0, 0, -1, 0])

    assert [entry.position for entry in index_folders([tmp_path]).slices] == [0, 5, 10]


def test_patients_and_series_come_in_the_same_order_however_the_folders_are_named(tmp_path):
    found = []
    for names in (("a", "b"), ("b", "a")):
        folder = tmp_path / "".join(names)
        for name, patient in zip(names, ("P1", "P2"), strict=True):
            write_series(folder / name, 2, patient=patient, series=1)
            write_series(folder / name / "more", 2, patient=patient, series=2)
        found.append([entry.slice_id for entry in index_folders([folder]).slices])

    assert len(found[0]) == 8
    assert found[0] == found[1]


def test_a_patient_whose_id_is_encoded_in_two_ways_is_one(tmp_path):
    for number, name in enumerate(["M\u00fcller", "Mu\u0308ller"]):
        write_ct(
            tmp_path / str(number), series=number, PatientID=name, SpecificCharacterSet="ISO_IR 192"
        )

    assert {entry.patient_id for entry in index_folders([tmp_path]).slices} == {"M\u00fcller"}


def test_nested_folders_several_folders_and_links_are_searched(tmp_path):
    write_ct(tmp_path / "one" / "a" / "b" / "c" / "x", patient="P1")
    write_ct(tmp_path / "two" / "x", patient="P2")
    write_ct(tmp_path / "elsewhere" / "x", patient="P3")
    (tmp_path / "two" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    index = index_folders([tmp_path / "one", tmp_path / "two"])

    assert [entry.patient_id for entry in index.slices] == ["P1", "P2", "P3"]


def test_a_folder_named_twice_counts_once(folder):
    index = index_folders([folder, folder / "good", folder])

    assert len(index.slices) == GOOD_SLICES
    assert not index.rejected


def test_workers_do_not_change_the_index(folder):
    for name, (write, _) in list(BAD_FILES.items())[:6]:
        write(folder / name)
    shutil.copy(folder / "good" / "3.dcm", folder / "copy")

    assert index_folders([folder], workers=2) == index_folders([folder], workers=1)


# Nothing to work on


def test_a_missing_folder_is_named_with_the_key_to_check(tmp_path):
    with pytest.raises(
        InputError, match=r"nowhere is not a folder; check cohort\.datasets\.a and data_"
    ):
        index_folders([tmp_path / "nowhere"])


def test_a_folder_without_ct_says_what_was_found_instead(tmp_path):
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    write_ct(tmp_path / "mr.dcm", SOPClassUID=MRImageStorage)

    with pytest.raises(InputError) as error:
        index_folders([tmp_path])

    assert str(error.value) == (
        "no axial CT slice in the folders of cohort.datasets.a (3 files: 2 not a DICOM file, 1 not "
        "a CT image (MR Image Storage)); check its folders and data_dir"
    )


def test_a_dataset_without_ct_says_what_was_found_in_it_alone(folder, tmp_path):
    (folder / "notes.txt").write_text("a")
    (tmp_path / "other").mkdir()
    write_ct(tmp_path / "other" / "mr.dcm", SOPClassUID=MRImageStorage)

    with pytest.raises(InputError, match=r"cohort\.datasets\.b \(1 files: 1 not a CT image \(MR"):
        index_sources(ImageSource("a", [folder]), ImageSource("b", [tmp_path / "other"]))


def test_an_empty_folder_is_said_to_be_empty(tmp_path):
    with pytest.raises(InputError, match=r"0 files: they are empty"):
        index_folders([tmp_path])


# What is written

TEXT_TAGS = [
    "PatientName",
    "PatientBirthDate",
    "PatientAddress",
    "PatientComments",
    "OtherPatientIDs",
    "EthnicGroup",
    "AccessionNumber",
    "InstitutionName",
    "InstitutionAddress",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "StationName",
    "StudyID",
    "StudyDate",
    "StudyDescription",
    "SeriesDescription",
    "ProtocolName",
    "RequestedProcedureDescription",
    "ImageComments",
    "AcquisitionTime",
    "ContrastBolusAgent",
    "BodyPartExamined",
]


def test_the_index_comes_back_as_it_was_written(folder, tmp_path):
    entries = index_folders([folder]).slices
    write_index(tmp_path / "index.parquet", entries)

    fields = SliceEntry.__dataclass_fields__
    expected = [SliceEntry(**{name: getattr(entry, name) for name in fields}) for entry in entries]
    assert read_index(tmp_path / "index.parquet") == expected


def test_rejected_files_are_written_by_path(tmp_path):
    write_rejected(tmp_path / "rejected.parquet", {"b": "not axial", "a": "localizer"})

    table = pq.read_table(tmp_path / "rejected.parquet")
    assert table.schema.equals(REJECTED_SCHEMA)
    assert table.to_pylist() == [
        {"path": "a", "reason": "localizer"},
        {"path": "b", "reason": "not axial"},
    ]


def test_no_text_of_the_header_gets_into_a_table_or_a_log(tmp_path, caplog, capfd):
    secret = "Quillfeather"
    texts = dict.fromkeys(TEXT_TAGS, f"{secret} CT with contrast")
    image_type = ["ORIGINAL", "PRIMARY", "AXIAL", secret]
    dicom = tmp_path / "dicom"
    for patient in ("P1", "P2"):
        write_ct(dicom / f"{patient}.dcm", patient=patient, ImageType=image_type, **texts)
    write_ct(dicom / "slope.dcm", patient="P3", RescaleSlope=secret.encode(), **texts)
    write_ct(dicom / "rescale.dcm", patient="P4", RescaleType=secret, **texts)
    write_ct(dicom / "fault.dcm", RLELossless, patient="P5", **texts)
    content = (dicom / "fault.dcm").read_bytes()
    segments = content.index((2).to_bytes(4, "little") + (64).to_bytes(4, "little"))
    (dicom / "fault.dcm").write_bytes(content[:segments] + b"\3" + content[segments + 1 :])

    with job_log(tmp_path / "out" / "job.log"):
        index = index_folders([dicom])
        write_index(tmp_path / "out" / "index.parquet", index.slices)
        write_rejected(tmp_path / "out" / "rejected.parquet", index.rejected)
        rows = label_series(index.slices, LabelOptions())
        labels = {(row["patient_id"], row["series_uid"]): row["label"] for row in rows}
        options = SelectionOptions(test_fraction=0)
        labels[index.slices[0].series] = 0
        _, plans = plan_cohort(index.slices, SliceLabels(labels), [], {}, options, seed=0)
        for patient, plan in plans.items():
            path = tmp_path / "out" / f"{patient}.parquet"
            rejected = extract_slices(
                patient, "train", plan, ExtractionOptions(image_size=32), path
            )
            write_rejected(tmp_path / "out" / f"{patient}.rejected.parquet", rejected)

    assert {entry.contrast_tag for entry in index.slices} == {"agent"}
    assert {entry.description_label for entry in index.slices} == {1}
    assert len(index.rejected) == 2
    written = list((tmp_path / "out").iterdir())
    assert len(written) == 3 + 2 * len(plans)
    for path in written:
        assert secret.encode() not in path.read_bytes(), path.name
        if path.suffix == ".parquet":
            assert secret not in str(pq.read_table(path).to_pylist()), path.name
    assert secret not in caplog.text
    assert secret not in "".join(capfd.readouterr())


# Layouts of LIDC-IDRI downloads

STUDY, SERIES, FILM = "1.3.6.1.4.1.14519.5.2.1.1", "1.3.6.1.4.1.14519.5.2.1.2", "1.3.6.1.4.1.3"
LAYOUTS = {
    "classic": ("LIDC-IDRI-0001/{study}/{series}", "{number:06d}.dcm"),
    "NBIA": ("manifest-16/LIDC-IDRI/LIDC-IDRI-0001/01-01-2000-NA/3.00-NA-2", "1-{number:03d}.dcm"),
    "idc-index": ("lidc_idri/LIDC-IDRI-0001/{study}/CT_{series}", "7b0a-{number}-f9.dcm"),
    "flat": ("", "{series}.{number}"),
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lidc_idri_is_read_from_any_layout_and_without_its_films(tmp_path, layout):
    place, name = (text.replace("{study}", STUDY) for text in LAYOUTS[layout])
    common = {"patient": "LIDC-IDRI-0001", "StudyInstanceUID": STUDY}
    for number in range(4):
        folder = tmp_path / place.replace("{series}", SERIES)
        file = folder / name.replace("{series}", SERIES).format(number=(number * 3) % 4)
        write_ct(file, z=-2.5 * number, SeriesInstanceUID=SERIES, **common)
    film = tmp_path / place.replace("{series}", FILM) / name.replace("{series}", FILM)
    film = film.with_name(film.name.format(number=9))
    write_ct(
        film, SOPClassUID=DigitalXRayImageStorageForPresentation, SeriesInstanceUID=FILM, **common
    )

    index = index_folders([tmp_path])

    assert [entry.position for entry in index.slices] == [-7.5, -5, -2.5, 0]
    assert {entry.series for entry in index.slices} == {("LIDC-IDRI-0001", SERIES)}
    assert index.rejected == {
        str(film): "not a CT image (Digital X-Ray Image Storage - For Presentation)"
    }
