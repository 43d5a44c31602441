import itertools
import shutil
from dataclasses import replace

import pytest

from ct_importance.cohort.headers import ImageSource, update_headers
from ct_importance.cohort.index import index_cohort
from ct_importance.cohort.labels.slice_labels import SliceLabels
from ct_importance.cohort.plan.selection import NO_CHEST
from ct_importance.cohort.summary import (
    NO_MASK,
    NOT_CHOSEN,
    OUTSIDE,
    CohortStages,
    summarise_cohort,
)
from tests.cohort.dicom_files import write_ct, write_series

MASK_REASON = "mask is 3 x 3, its slice 12 x 16"


@pytest.fixture
def tables(tmp_path):
    """Headers of two datasets: in a three series of four slices and three files of no use."""
    for name in ("P1", "P2", "P3"):
        write_series(tmp_path / "a" / name, 4, patient=name)
    (tmp_path / "a" / "notes.txt").write_text("notes")
    shutil.copy(tmp_path / "a" / "P1" / "3.dcm", tmp_path / "a" / "copy")
    write_ct(tmp_path / "a" / "film", patient="P9", Modality="PT")
    write_series(tmp_path / "b", 2, patient="P4")
    tables = {name: tmp_path / f"{name}.parquet" for name in ("a", "b")}
    for name, table in tables.items():
        update_headers(ImageSource(name, [tmp_path / name]), table)
    return tables


@pytest.fixture
def stages(tables, tmp_path):
    """P1: all labelled, one slice damaged. P2: no lung. P3: no label. P4: one chosen of two."""
    index = index_cohort(list(tables.values()))
    of = {
        name: [it for it in index.slices if it.patient_id == name]
        for name in ("P1", "P2", "P3", "P4")
    }
    first, second, third, _ = of["P1"]
    planned = [first, second, third, of["P4"][0]]
    flags = {"sampled": True, "annotated": False, "split": "train"}
    extracted = {first.slice_id: flags, of["P4"][0].slice_id: flags | {"split": "test"}}
    extracted[first.slice_id] = flags | {"annotated": True}
    masks = tmp_path / "masks"
    rejected = index.rejected | {
        **{it.place: "no label from csv, description" for it in of["P3"]},
        **{it.place: NO_CHEST for it in of["P2"]},
        second.place: "truncated: pixel data are shorter than the header says",
        str(masks / "x.png"): "mask fits no slice",
        f"{masks / 'y.png'}, on slice {third.slice_id}": MASK_REASON,
    }
    labels = SliceLabels(
        {it.series: None if it in of["P3"] else 1 for it in index.slices},
        reasons={it.series: "no label from csv, description" for it in of["P3"]},
    )
    chests = {it.series: (0.0, 10.0) for it in index.slices} | {of["P2"][0].series: None}
    return CohortStages(
        headers=tables,
        entries=index.slices,
        labels=labels,
        chests=chests,
        planned={it.slice_id for it in planned},
        extracted=extracted,
        not_indexed=index.rejected,
        rejected=rejected,
        mask_folders={"a": str(masks), "b": None},
    )


def lines(rows: list[dict]) -> list[tuple]:
    return [
        tuple(
            row[name] for name in ("stage", "outcome", "count", "series", "patients") if name in row
        )
        for row in rows
    ]


def test_the_table_goes_from_the_files_found_to_the_slices_used(stages):
    rows = summarise_cohort(stages)

    assert lines([row for row in rows if row["dataset"] == "a"]) == [
        ("read", "found", 15),
        ("read", "Modality is not CT", 1),
        ("read", "not a DICOM file", 1),
        ("indexed", "kept", 12, 3, 3),
        ("indexed", "exact copy of another slice", 1),
        ("labelled", "no label from csv, description", 4),
        ("labelled", "kept", 8, 2, 2),
        ("chest", NO_CHEST, 4),
        ("chest", OUTSIDE, 1),
        ("chest", "kept", 3, 1, 1),
        ("planned", "kept", 3, 1, 1),
        ("extracted", "truncated: pixel data are shorter than the header says", 1),
        ("extracted", NO_MASK, 1),
        ("extracted", "kept", 1, 1, 1),
        ("masks", "mask fits no slice", 1),
        ("masks", MASK_REASON, 1),
        ("used", "training slices", 1, 1, 1),
        ("used", "test slices", 0, 0, 0),
        ("used", "slices with a mask", 1, 1, 1),
    ]  # fmt: skip
    assert lines([row for row in rows if row["dataset"] == "b"]) == [
        ("read", "found", 2),
        ("indexed", "kept", 2, 1, 1),
        ("labelled", "kept", 2, 1, 1),
        ("chest", "kept", 2, 1, 1),
        ("planned", NOT_CHOSEN, 1),
        ("planned", "kept", 1, 1, 1),
        ("extracted", "kept", 1, 1, 1),
        ("used", "training slices", 0, 0, 0),
        ("used", "test slices", 1, 1, 1),
        ("used", "slices with a mask", 0, 0, 0),
    ]
    assert {row["unit"] for row in rows if row["stage"] in ("read", "masks")} == {"files"}
    assert {row["unit"] for row in rows if row["stage"] not in ("read", "masks")} == {"slices"}


def test_each_stage_accounts_for_every_slice_of_the_one_before(stages):
    rows = summarise_cohort(stages)

    for dataset in ("a", "b"):
        own = [row for row in rows if row["dataset"] == dataset]
        kept = {row["stage"]: row["count"] for row in own if row["outcome"] == "kept"}
        names = list(kept)
        for before, after in itertools.pairwise(names):
            assert kept[before] == sum(row["count"] for row in own if row["stage"] == after)


def test_before_the_extraction_the_table_ends_with_the_plan(stages):
    found = summarise_cohort(replace(stages, extracted=None, chests=None))

    assert [row["stage"] for row in found if row["dataset"] == "b"] == [
        "read", "indexed", "labelled", "planned", "planned"
    ]  # fmt: skip


def test_slices_of_one_series_are_told_apart_by_their_labels(stages):
    (first, *others) = [it for it in stages.entries if it.patient_id == "P3"]
    labels = SliceLabels({}, {it.slice_id: 1 for it in others}, {first.series: "not named"})
    counted = summarise_cohort(replace(stages, labels=labels, extracted=None, chests=None))

    assert [line for line in lines(counted) if line[:2] == ("labelled", "not named")] == [
        ("labelled", "not named", 1)
    ]
    assert ("labelled", "kept", 11, 3, 3) in lines(counted)
