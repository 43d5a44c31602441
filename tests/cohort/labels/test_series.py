from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from ct_importance.cohort.labels.series import label_series
from ct_importance.cohort.labels.summary import describe_labels, summarise_labels
from ct_importance.cohort.options import LabelOptions
from ct_importance.cohort.pseudonyms import Pseudonyms
from ct_importance.cohort.slice_entry import SliceEntry, volume_slice_id
from ct_importance.errors import InputError
from tests.cohort.entries import slice_entry

LIDC_0001 = "1.3.6.1.4.1.14519.5.2.1.6279.6001.179049373636438705059720603192"
LIDC_0002 = "1.3.6.1.4.1.14519.5.2.1.6279.6001.619372068417051974713149104919"


def entry(number: int = 1, **changes: object) -> SliceEntry:
    return slice_entry(number, **changes)


def write_csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding=encoding)
    return path


def label_one(entries: list[SliceEntry], csv_path: Path | None = None, **options: object) -> dict:
    rows = label_series(entries, LabelOptions(**options), csv_path)
    assert len(rows) == 1
    return rows[0]


# Each source, and their order


def test_the_first_source_that_knows_gives_the_label(tmp_path):
    slices = [entry(series_uid=LIDC_0001, contrast_tag="none", description_label=1)]
    csv_path = write_csv(tmp_path, "patient_id,contrast\nP1,0\n")
    every = ["csv", "pylidc", "dicom_tag", "description"]
    expected = {"csv": 0, "pylidc": 1, "dicom_tag": 0, "description": 1}

    for first in range(4):
        sources = every[first:] + every[:first]
        row = label_one(slices, csv_path, sources=sources)

        assert {source: row[source] for source in every} == expected
        assert (row["source"], row["label"]) == (sources[0], expected[sources[0]])
        assert row["disagreement"]
        assert row["reason"] == ""


@pytest.mark.parametrize(
    ("slices", "source", "label"),
    [
        ([entry(series_uid=LIDC_0002)], "pylidc", 0),
        ([entry(contrast_tag="agent")], "dicom_tag", 1),
        ([entry(contrast_tag="empty", description_label=0)], "description", 0),
        ([entry()], None, None),
    ],
)
def test_a_source_that_does_not_know_passes_the_question_on(tmp_path, slices, source, label):
    csv_path = write_csv(tmp_path, "patient_id,contrast\nP1,\nP2,1\n")
    other = entry(patient_id="P2", series_uid="9")

    row, _ = label_series([*slices, other], LabelOptions(), csv_path)

    assert (row["source"], row["label"], row["csv"]) == (source, label, None)
    assert row["reason"] == ("" if source else "no label from csv, pylidc, dicom_tag, description")
    assert not row["disagreement"]


def test_a_source_left_out_is_neither_believed_nor_a_disagreement():
    row = label_one([entry(contrast_tag="agent", description_label=0)], sources=["dicom_tag"])

    assert (row["label"], row["disagreement"]) == (1, False)


def test_sources_that_agree_are_no_disagreement():
    row = label_one([entry(contrast_tag="agent", description_label=1)])

    assert (row["label"], row["source"], row["disagreement"]) == (1, "dicom_tag", False)


def test_every_series_has_a_row_sorted_by_patient_and_series():
    slices = [
        entry(patient_id=patient, series_uid=series)
        for patient in ("P2", "P1")
        for series in ("9", "1.5")
    ]

    rows = label_series(slices, LabelOptions(), None)

    assert [(row["patient_id"], row["series_uid"]) for row in rows] == [
        ("P1", "1.5"), ("P1", "9"), ("P2", "1.5"), ("P2", "9"),
    ]  # fmt: skip


# CSV


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("patient_id", "P1"),
        ("study_uid", "1.2"),
        ("series_uid", "1.2.3"),
        ("slice_id", "1.1"),
        ("file_name", "1.dcm"),
    ],
)
def test_a_line_of_the_csv_can_be_about_a_patient_study_series_slice_or_file(tmp_path, key, value):
    csv_path = write_csv(tmp_path, f"number,what,with agent\n1,{value},yes\n")

    row = label_one(
        [entry(1), entry(2)], csv_path, key=key, key_column="what", label_column="with agent"
    )

    assert (row["label"], row["source"]) == (1, "csv")


def test_a_csv_that_fits_no_series_is_an_error(tmp_path):
    csv_path = write_csv(tmp_path, "patient_id,contrast\nQ1,1\n")

    with pytest.raises(InputError) as error:
        label_series([entry()], LabelOptions(), csv_path)

    assert str(error.value) == (
        f"{csv_path}: no value of column 'patient_id' is the patient_id of a series that was "
        "found; check `key` and `key_column` of the labels in cohort.datasets"
    )


def test_a_csv_that_is_not_asked_is_an_error():
    with pytest.raises(ValidationError, match="csv is set, but sources does not name it"):
        LabelOptions(csv="labels.csv", sources=["dicom_tag"])


def test_a_csv_that_is_named_is_the_only_source_unless_others_are_written_out(tmp_path):
    csv_path = write_csv(tmp_path, "patient_id,nodule\nP1,0\n")
    slices = [
        entry(patient_id=patient, series_uid=patient, contrast_tag="agent", description_label=0)
        for patient in ("P1", "P2")
    ]

    def labels(**options):
        chosen = LabelOptions(csv=str(csv_path), label_column="nodule", **options)
        rows = label_series(slices, chosen, csv_path)
        return [(row["label"], row["source"], row["disagreement"], row["reason"]) for row in rows]

    assert labels() == [(0, "csv", False, ""), (None, None, False, "no label from csv")]
    assert labels(sources=["csv", "dicom_tag"]) == [
        (0, "csv", True, ""),
        (1, "dicom_tag", False, ""),
    ]
    assert LabelOptions(csv=None).sources == ["csv", "pylidc", "dicom_tag", "description"]


def test_it_is_said_how_many_labels_each_source_gave_and_where_it_differs(tmp_path):
    csv_path = write_csv(tmp_path, "patient_id,contrast\nP1,0\nP2,1\n")
    slices = [
        entry(patient_id=patient, series_uid=patient, contrast_tag=tag, description_label=said)
        for patient, tag, said in [
            ("P1", "agent", 1),
            ("P2", "agent", None),
            ("P3", "none", 1),
            ("P4", "absent", None),
        ]
    ]
    options = LabelOptions(csv=str(csv_path), sources=["csv", "dicom_tag", "description"])

    summary = summarise_labels("a", label_series(slices, options, csv_path), options.sources)

    assert [(row["source"], row["labels"], row["differs"]) for row in summary] == [
        ("csv", 2, 0),
        ("dicom_tag", 1, 1),
        ("description", 0, 2),
        ("none", 1, 0),
    ]
    assert describe_labels(summary) == [
        "Labels of a: 2 from csv, 1 from dicom_tag (which differs from the label of 1), "
        "0 from description (which differs from the label of 2), 1 series without a label"
    ]


def test_a_csv_names_patients_as_they_are_called_in_the_files(tmp_path):
    csv_path = write_csv(tmp_path, "patient_id,contrast\nP1,1\n")
    pseudonyms = Pseudonyms(b"a secret of the user")

    renamed = label_one([entry(patient_id="a-P1")], csv_path)
    hashed = label_series(
        [entry(patient_id=pseudonyms.of("P1"))], LabelOptions(), csv_path, pseudonyms
    )

    assert renamed["label"] == 1
    assert [(row["patient_id"], row["label"]) for row in hashed] == [(pseudonyms.of("P1"), 1)]


VOLUME_NAMES = {"series_uid": "ct", "study_uid": "ct", "slice_id": "ct-0003"}


@pytest.mark.parametrize("key", VOLUME_NAMES)
@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("has_front", [False, True])
def test_a_csv_names_volumes_as_they_are_called_in_the_files(tmp_path, key, hashed, has_front):
    csv_path = write_csv(tmp_path, f"name,contrast\n{VOLUME_NAMES[key]},1\nelse,0\n")
    pseudonyms = Pseudonyms(b"a secret of the user") if hashed else None
    name = ("a-" if has_front else "") + (pseudonyms.of("ct") if hashed else "ct")
    volume = [
        entry(path="x/ct.nii", frame=frame, series_uid=name, study_uid=name) for frame in (3, 4)
    ]
    volume = [replace(it, slice_id=volume_slice_id(name, it.frame)) for it in volume]

    options = LabelOptions(key=key, key_column="name")
    (row,) = label_series(volume, options, csv_path, pseudonyms)

    assert (row["source"], row["label"]) == ("csv", 1)


@pytest.mark.parametrize("written", ["M\u00fcller", "Mu\u0308ller"])
@pytest.mark.parametrize("key", ["patient_id", "file_name"])
def test_accents_are_compared_however_they_are_encoded(tmp_path, written, key):
    csv_path = write_csv(tmp_path, f"{written},contrast\n{written}.dcm,1\nelse,0\n")
    slices = [entry(patient_id="M\u00fcller.dcm", path="x/Mu\u0308ller.dcm")]

    row = label_one(slices, csv_path, key=key, key_column="Mu\u0308ller")

    assert (row["source"], row["label"]) == ("csv", 1)


def test_a_csv_names_slices_by_uid_although_patients_have_pseudonyms(tmp_path):
    csv_path = write_csv(tmp_path, "name,contrast\n1.1,1\n")
    options = LabelOptions(key="slice_id", key_column="name")

    (row,) = label_series([entry()], options, csv_path, Pseudonyms(b"a secret of the user"))

    assert row["label"] == 1


# Slices


TUMOUR = ("no tumour", "tumour")
BY_SLICE = LabelOptions(key="slice_id", key_column="name", label_column="tumour")


def label_slices(
    folder: Path, lines: str, slices: list[SliceEntry], classes: tuple[str, ...] = TUMOUR, **options
) -> dict:
    csv_path = write_csv(folder, f"name,tumour\n{lines}")
    chosen = BY_SLICE.model_copy(update=options)
    (row,) = label_series(slices, chosen, csv_path, classes=classes)
    return row


@pytest.mark.parametrize("classes", [TUMOUR, ("no contrast", "contrast")])
def test_slices_of_one_series_may_have_labels_of_both_classes(tmp_path, classes):
    slices = [entry(number) for number in range(4)]

    row = label_slices(tmp_path, "1.2,1\n1.0,0\n1.1,yes\n1.3,no\n", slices, classes)

    assert row["slice_labels"] == [0, 1, 1, 0]
    assert (row["label"], row["source"], row["csv"], row["reason"]) == (None, "csv", None, "")
    assert not row["disagreement"]


def test_a_slice_that_the_csv_does_not_name_has_no_label(tmp_path):
    row = label_slices(tmp_path, "1.1,1\n1.2,0\n1.0,\n", [entry(number) for number in range(4)])

    assert row["slice_labels"] == [None, 1, 0, None]
    assert row["reason"] == "csv gives no label to this slice, but to others of its series"


def test_lines_that_agree_label_a_whole_series_of_contrast_agent_and_of_no_other_task(tmp_path):
    slices = [entry(1), entry(2)]

    tumour = label_slices(tmp_path, "1.1,1\n", slices)
    agent = label_slices(tmp_path, "1.1,1\n", slices, ("No contrast", "Contrast"))
    named = label_slices(tmp_path, "1.1,1\n1.2,1\n", slices)

    assert (tumour["label"], tumour["slice_labels"]) == (None, [1, None])
    assert (agent["label"], agent["slice_labels"]) == (1, None)
    assert (named["label"], named["slice_labels"], named["csv"]) == (1, None, 1)


def test_files_of_one_series_may_have_labels_of_both_classes(tmp_path):
    lines = "1.dcm,tumour\n2.dcm,no tumour\n"

    row = label_slices(tmp_path, lines, [entry(1), entry(2)], key="file_name")

    assert row["slice_labels"] == [1, 0]


def test_slices_of_a_volume_have_labels_of_their_own_and_its_file_name_is_of_all_of_them(tmp_path):
    volume = [
        entry(path="x/ct.nii", frame=frame, series_uid="ct", slice_id=volume_slice_id("ct", frame))
        for frame in (3, 4, 5)
    ]

    by_slice = label_slices(tmp_path, "ct-0003,1\nct-0004,0\n", volume)
    whole = label_slices(tmp_path, "ct.nii,1\n", volume, key="file_name")

    assert by_slice["slice_labels"] == [1, 0, None]
    assert (whole["label"], whole["slice_labels"]) == (1, None)


def test_another_source_labels_no_slice_of_a_series_that_the_csv_labels_slice_by_slice(tmp_path):
    slices = [entry(number, contrast_tag="agent") for number in range(3)]
    both = {"sources": ["csv", "dicom_tag"]}

    row = label_slices(tmp_path, "1.0,1\n1.1,0\n", slices, **both)
    first = label_slices(tmp_path, "1.0,1\n1.1,0\n", slices, sources=["dicom_tag", "csv"])

    assert (row["slice_labels"], row["source"], row["disagreement"]) == ([1, 0, None], "csv", True)
    assert (first["label"], first["slice_labels"], first["disagreement"]) == (1, None, True)
    assert describe_labels(summarise_labels("a", [row], both["sources"])) == [
        "Labels of a: 1 from csv (1 of them slice by slice), "
        "0 from dicom_tag (which differs from the label of 1), 0 series without a label"
    ]
