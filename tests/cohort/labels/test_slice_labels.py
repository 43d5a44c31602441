import numpy as np
import pytest

from ct_importance.cohort.jobs import LabelJob, LabelsOfDataset
from ct_importance.cohort.labels.series import NOT_NAMED
from ct_importance.cohort.labels.slice_labels import UNCLEAR, labels_of_masks, read_slice_labels
from ct_importance.cohort.labels.writing import write_labels
from ct_importance.cohort.options import LabelOptions
from ct_importance.cohort.slice_entry import SliceEntry, read_index, write_index
from ct_importance.io.table_file import read_table
from tests.cohort.entries import slice_entry

OPTIONS = LabelOptions(csv="labels.csv", key="slice_id", key_column="name", label_column="lesion")


@pytest.fixture
def labelled(tmp_path):
    """Write and read the labels of an index."""

    def label(entries: list[SliceEntry], lines: list[str]):
        (tmp_path / "labels.csv").write_text("\n".join(["name,lesion", *lines, ""]))
        dataset = LabelsOfDataset(csv=str(tmp_path / "labels.csv"), options=OPTIONS)
        job = LabelJob(
            datasets={"a": dataset},
            classes=("healthy", "lesion"),
            label_from="sources",
            pseudonym_key=None,
            others="",
        )
        write_index(tmp_path / "index", entries)
        outputs = [tmp_path / name for name in ("labels", "disagreements", "summary")]
        write_labels(job, tmp_path / "index", *outputs)
        return read_slice_labels(tmp_path / "labels", read_index(tmp_path / "index"))

    return label


def of_patient(patient: str, slices: int) -> list[SliceEntry]:
    return [
        slice_entry(number, slice_id=f"{patient}.{number}", patient_id=patient, series_uid=patient)
        for number in range(slices)
    ]


def test_each_slice_has_the_label_of_its_series_or_its_own(labelled, capfd):
    entries = [*of_patient("P1", 3), *of_patient("P2", 2), *of_patient("P3", 1)]

    labels = labelled(entries, ["P1.2,lesion", "P1.0,healthy", "P2.0,1", "P2.1,1"])

    assert [labels.of(entry) for entry in entries] == [0, None, 1, 1, 1, None]
    assert [labels.planned(entry) for entry in entries] == [0, None, 1, 1, 1, None]
    assert [labels.reason(entry) for entry in entries] == [
        "", NOT_NAMED, "", "", "", "no label from csv"
    ]  # fmt: skip
    assert labels.by_slice
    assert capfd.readouterr().err == (
        "Labels of a: 2 from csv (1 of them slice by slice), 1 series without a label\n"
    )


def test_slices_that_do_not_differ_share_the_label_of_their_series(labelled):
    assert not labelled(of_patient("P1", 2), ["P1.0,1", "P1.1,1"]).by_slice


def test_labels_of_many_slices_take_little_room(labelled, tmp_path):
    patients, slices = 300, 100
    entries = [it for number in range(patients) for it in of_patient(f"P{number:03d}", slices)]
    starts = np.random.default_rng(0).integers(0, slices - 20, patients)
    lines = [
        f"P{patient:03d}.{number},{int(start <= number < start + 20)}"
        for patient, start in enumerate(starts)
        for number in range(slices)
    ]

    labels = labelled(entries, lines)

    assert sum(labels.of(entry) for entry in entries) == 20 * patients
    assert read_table(tmp_path / "labels").num_rows == patients
    assert (tmp_path / "labels").stat().st_size < patients * slices


def test_where_masks_give_the_labels_a_slice_that_one_may_mark_has_none():
    entries = of_patient("P1", 4)

    labels = labels_of_masks(entries, {"P1.0", "P1.1"}, {"P1.1", "P1.2"})

    assert [labels.of(entry) for entry in entries] == [1, 1, None, 0]
    assert [labels.planned(entry) for entry in entries] == [None, None, None, 0]
    assert [labels.reason(entry) for entry in entries] == ["", "", UNCLEAR, ""]
    assert labels.by_slice


def test_series_leave_their_labels_to_the_masks(tmp_path, capfd):
    dataset = LabelsOfDataset(csv=None, options=LabelOptions())
    job = LabelJob(
        datasets={"a": dataset},
        classes=("healthy", "lesion"),
        label_from="mask",
        pseudonym_key=None,
        others="",
    )
    write_index(tmp_path / "index", [slice_entry(1, contrast_tag="agent")])
    outputs = [tmp_path / name for name in ("labels", "disagreements", "summary")]
    write_labels(job, tmp_path / "index", *outputs)

    (row,) = read_table(tmp_path / "labels").to_pylist()
    assert (row["source"], row["label"], row["reason"]) == ("mask", None, "")
    assert capfd.readouterr().err == "Labels of a: 1 from mask, 0 series without a label\n"
