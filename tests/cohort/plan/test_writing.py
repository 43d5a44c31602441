"""Plans where masks give the labels."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from ct_importance.cohort.jobs import MasksOfDataset, PlanJob
from ct_importance.cohort.labels.series import SCHEMA, label_by_mask
from ct_importance.cohort.labels.slice_labels import UNCLEAR
from ct_importance.cohort.options import SelectionOptions
from ct_importance.cohort.plan.writing import PlanInputs, PlanOutputs, write_plan
from ct_importance.cohort.slice_entry import SliceEntry, read_rejected, write_index
from ct_importance.errors import InputError
from ct_importance.io.image_table import write_table
from tests.cohort.entries import slice_entry


def entries() -> list[SliceEntry]:
    return [
        slice_entry(
            number,
            slice_id=f"{patient}.{number}",
            patient_id=patient,
            series_uid=patient,
            path=f"{patient}/{number}.dcm",
        )
        for patient in ("P1", "P2")
        for number in range(10)
    ]


def save(folder: Path, slice_id: str, shape: tuple[int, int] = (8, 8), value: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    pixels = np.zeros(shape, np.uint8)
    pixels[2:4, 2:4] = value
    Image.fromarray(pixels).save(folder / f"{slice_id}.png")
    return folder / f"{slice_id}.png"


def plan(
    folder: Path, readers: tuple[str, ...] = ("masks",)
) -> tuple[dict[str, list[dict]], dict[str, str]]:
    rows = label_by_mask(entries())
    write_table(
        folder / "labels", SCHEMA, {name: [row[name] for row in rows] for name in SCHEMA.names}
    )
    write_index(folder / "index", entries())
    pairs = pa.schema([("patient_id", pa.string()), ("other_patient_id", pa.string())])
    write_table(folder / "pairs", pairs, {"patient_id": [], "other_patient_id": []})
    folders = tuple(str(folder / name) for name in readers)
    masks = MasksOfDataset(folders=folders, structures=None)
    job = PlanJob(
        masks={"a": masks},
        others="",
        options=SelectionOptions(test_fraction=0, slices_per_patient={"train": 2, "test": 2}),
        seed=0,
        classes=("healthy", "lesion"),
        label_from="mask",
    )
    outputs = PlanOutputs(*(folder / name for name in ("split", "planned", "plans", "rejected")))
    write_plan(
        job, PlanInputs(*(folder / it for it in ("index", "labels", "pairs")), None), outputs
    )
    plans = {
        path.stem: json.loads(path.read_text())["slices"] for path in (folder / "plans").iterdir()
    }
    return plans, read_rejected(folder / "rejected")


def test_half_of_the_spaced_slices_have_a_mask_and_every_other_mask_is_planned_too(tmp_path):
    for number in (1, 2, 3):
        save(tmp_path / "masks", f"P1.{number}")

    plans, rejected = plan(tmp_path)

    assert not rejected
    with_mask, without = (row for row in plans["P1"] if row["sampled"])
    assert (with_mask["slice_id"], with_mask["label"]) == ("P1.2", None)  # its mask decides
    assert (without["masks"], without["label"]) == (None, 0)
    assert [row["slice_id"] for row in plans["P1"] if not row["sampled"]] == ["P1.1", "P1.3"]
    assert [row["label"] for row in plans["P2"]] == [0, 0]


def test_a_slice_whose_mask_cannot_be_used_is_set_aside_and_not_of_the_first_class(tmp_path):
    save(tmp_path / "masks", "P1.1")
    shape, damaged = save(tmp_path / "masks", "P2.1", (8, 7)), tmp_path / "masks" / "P2.2.png"
    damaged.write_bytes(b"no PNG")
    empty = save(tmp_path / "masks", "P2.3", value=0)
    foreign = save(tmp_path / "masks", "another.slice")

    plans, rejected = plan(tmp_path)

    unclear = {it.slice_id for it in entries() if rejected.get(it.place) == UNCLEAR}
    by_path = {path: reason for path, reason in rejected.items() if path.endswith(".png")}
    assert set(by_path) == {str(path) for path in (shape, damaged, empty, foreign)}
    assert rejected[str(empty)] == "mask is empty"
    places = {it.place for it in entries() if it.slice_id in ("P2.1", "P2.2")}
    assert {place for place, reason in rejected.items() if reason == UNCLEAR} == places
    assert unclear >= {"P2.1", "P2.2"}
    assert not {row["slice_id"] for row in plans["P2"]} & {"P2.1", "P2.2"}


def test_of_several_readers_a_plan_says_whose_a_mask_is(tmp_path):
    for reader, number in (("first", 1), ("first", 2), ("second", 2), ("second", 3)):
        save(tmp_path / reader, f"P1.{number}")

    plans, rejected = plan(tmp_path, ("first", "second"))

    assert not rejected
    found = {
        row["slice_id"]: [(Path(it["path"]).parent.name, it["reader"]) for it in row["masks"]]
        for row in plans["P1"]
        if row["masks"]
    }
    first, second = ("first", 0), ("second", 1)
    assert found == {"P1.1": [first], "P1.2": [first, second], "P1.3": [second]}
    assert json.loads((tmp_path / "plans" / "P1.json").read_text())["readers"] == 2


def test_of_one_folder_it_says_nothing_of_readers(tmp_path):
    save(tmp_path / "masks", "P1.1")
    plan(tmp_path)
    assert "reader" not in (tmp_path / "plans" / "P1.json").read_text()


def test_a_reader_of_whom_no_mask_fits_stops_the_run(tmp_path):
    save(tmp_path / "first", "P1.1")
    save(tmp_path / "second", "another.slice")
    with pytest.raises(InputError, match="second: no mask fits a slice"):
        plan(tmp_path, ("first", "second"))


def test_a_mask_of_no_use_that_does_not_say_its_slices_stops_the_run(tmp_path):
    save(tmp_path / "masks", "P1.1")
    (tmp_path / "masks" / "seg.dcm").write_bytes(b"no DICOM")

    with pytest.raises(InputError) as error:
        plan(tmp_path)

    message = str(error.value)
    assert message.startswith(f"{tmp_path / 'masks' / 'seg.dcm'}: ")
    assert "not known which slices it marks, and they would count as 'healthy'" in message
