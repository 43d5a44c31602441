import errno
import faulthandler
import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import RLELossless

from ct_importance.cohort import extraction
from ct_importance.cohort.dicom.header import read_header
from ct_importance.cohort.extraction import (
    NOT_KNOWN,
    extract_patients,
    extract_slices,
    slices_schema,
)
from ct_importance.cohort.jobs import ExtractionJob
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.cohort.slice_entry import read_rejected
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, read_images, read_rows
from tests.cohort.dicom_files import uid, write_ct, write_series
from tests.cohort.entries import slice_entry
from tests.cohort.failing_disk import refusing
from tests.cohort.indexing import index_folders
from tests.cohort.matched import match_masks
from tests.cohort.volume_files import write_volume

SIZE = 32
OPTIONS = ExtractionOptions(image_size=SIZE, hu_window=(-1000, 400))


def planned(path: Path, sampled: bool = True, *masks: Path) -> dict:
    geometry = read_header(path).geometry if path.exists() else slice_entry().geometry
    return {
        "slice_id": f"id of {path.stem}",
        "path": str(path),
        "frame": None,
        "frame_of_reference": "",
        "label": 1,
        "sampled": sampled,
        "geometry": asdict(geometry),
        "masks": [{"path": str(mask), "digest": "d"} for mask in masks] or None,
    }


def extract(folder: Path, plan: list[dict]) -> tuple[list[dict], dict[str, str]]:
    """Rows of the table and what was set aside, by file name."""
    rejected = extract_slices("P1", "train", plan, OPTIONS, folder / "P1.parquet")
    rows = list(read_rows(folder / "P1.parquet"))
    return rows, {Path(path.split(",")[0]).name: reason for path, reason in rejected.items()}


def bright_corner(hounsfield: int = 400, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Stored values of air with a bright block, and the mask of the block: no symmetry."""
    mask = np.zeros((size, size), bool)
    mask[size // 8 : size // 2, size // 2 : size * 7 // 8] = True
    return np.where(mask, hounsfield + 1024, 24).astype(np.uint16), mask


def save_mask(path: Path, mask: np.ndarray) -> Path:
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    return path


def test_a_row_holds_the_slice_as_planned(tmp_path):
    stored, mask = bright_corner()
    path = write_ct(tmp_path / "a.dcm", stored=stored)
    png = save_mask(tmp_path / "a.png", mask)

    rows, rejected = extract(tmp_path, [planned(path, False, png)])

    assert not rejected
    (row,) = rows
    image, found = row.pop("image"), row.pop("mask")
    assert row == {
        "slice_id": "id of a",
        "patient_id": "P1",
        "label": 1,
        "split": "train",
        "sampled": False,
        "annotated": True,
    }
    assert (image.shape, image.dtype) == ((SIZE, SIZE), np.float32)
    assert (found.shape, found.dtype) == ((SIZE, SIZE), bool)
    np.testing.assert_array_equal(found, mask[::2, ::2])
    np.testing.assert_allclose(image[6:14, 18:26], 1, atol=1e-3)
    assert (image[20:] == 0).all()


def test_the_schema_says_size_and_type_of_the_images():
    schema = slices_schema(48)

    assert schema.names == [
        "slice_id", "patient_id", "label", "split", "sampled", "annotated", "image", "mask",
    ]  # fmt: skip
    assert schema.field("image").metadata == {b"shape": b"[48, 48]", b"dtype": b"<f4"}
    assert schema.field("image").type.byte_width == 48 * 48 * 4
    assert [field.name for field in schema if field.nullable] == ["mask"]


def test_the_window_is_scaled_from_black_to_white(tmp_path):
    stored, mask = bright_corner(hounsfield=-300)
    rows, _ = extract(tmp_path, [planned(write_ct(tmp_path / "a.dcm", stored=stored))])

    image = rows[0]["image"]
    assert image.min() == 0
    assert image[mask[::2, ::2]].mean() == pytest.approx(0.5, abs=0.03)


def test_a_constant_image_is_set_aside_and_the_rest_goes_on(tmp_path):
    constants = {
        "air": (24, 64, 64),
        "beyond the window": (3000, 64, 64),
        "tissue": (1064, 64, 64),
        "tissue that fills no square": (1064, 40, 64),
    }
    plan = [
        planned(write_ct(tmp_path / f"{name}.dcm", stored=np.full((rows, columns), value, "u2")))
        for name, (value, rows, columns) in constants.items()
    ]
    plan.append(planned(write_ct(tmp_path / "good.dcm")))

    rows, rejected = extract(tmp_path, plan)

    assert [row["slice_id"] for row in rows] == ["id of good"]
    reason = "image is constant within cohort.hu_window"
    assert rejected == {f"{name}.dcm": reason for name in constants}


def test_files_that_cannot_be_decoded_are_set_aside_and_the_rest_goes_on(tmp_path, caplog):
    damaged = write_ct(tmp_path / "damaged.dcm", RLELossless)
    text = tmp_path / "text.dcm"
    text.write_text("no DICOM")
    plan = [planned(damaged), planned(damaged) | {"path": str(text)}]
    plan.append(planned(write_ct(tmp_path / "good")))
    damaged.write_bytes(damaged.read_bytes()[:-100])

    rows, rejected = extract(tmp_path, plan)

    assert [row["slice_id"] for row in rows] == ["id of good"]
    assert rejected == {
        "damaged.dcm": "truncated: compressed pixel data have no end",
        "text.dcm": "not a DICOM file",
    }
    assert f"set aside {damaged}: truncated" in caplog.text


def test_a_patient_of_whom_nothing_can_be_used_has_an_empty_table(tmp_path):
    path = write_ct(tmp_path / "changed.dcm")
    plan = planned(path)
    path.write_text("no DICOM any more")

    rows, rejected = extract(tmp_path, [plan])

    assert not rows
    assert len(rejected) == 1
    assert read_images(tmp_path / "P1.parquet", "image").shape == (0, SIZE, SIZE)


@pytest.mark.parametrize(
    ("gone", "rule"), [("slice.dcm", "read_headers"), ("mask.png", "plan_extraction")]
)
def test_a_file_that_is_gone_is_an_error(tmp_path, gone, rule):
    stored, mask = bright_corner()
    plan = planned(
        write_ct(tmp_path / "slice.dcm", stored=stored),
        True,
        save_mask(tmp_path / "mask.png", mask),
    )
    (tmp_path / gone).unlink()

    with pytest.raises(InputError, match=rf"{gone}: was there .* put it back .*--forcerun {rule}"):
        extract(tmp_path, [plan])

    assert not (tmp_path / "P1.parquet").exists()


@pytest.mark.parametrize("refused", ["slice.dcm", "mask.png", "mask.nii.gz"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.ESTALE])
def test_a_file_that_cannot_be_read_now_is_an_error(tmp_path, refused, number):
    mask = write_volume(tmp_path / "mask.nii.gz")
    if refused == "mask.png":
        mask = save_mask(tmp_path / refused, np.ones((12, 16), bool))
    plan = planned(write_ct(tmp_path / "slice.dcm"), True, mask)

    with refusing(tmp_path / refused, number), pytest.raises(OSError, match=refused) as error:
        extract(tmp_path, [plan])

    assert error.value.errno == number
    assert not (tmp_path / "P1.parquet").exists()


def test_a_mask_that_does_not_fit_is_set_aside_while_a_sampled_slice_stays(tmp_path):
    stored, mask = bright_corner(size=256)
    wrong = save_mask(tmp_path / "wrong.png", mask[:-1])
    tiny = np.zeros_like(mask)
    tiny[1, 1] = True
    lost = save_mask(tmp_path / "lost.png", tiny)
    plan = [
        planned(write_ct(tmp_path / "sampled.dcm", stored=stored), True, wrong),
        planned(write_ct(tmp_path / "only for the mask.dcm", stored=stored), False, wrong),
        planned(write_ct(tmp_path / "small.dcm", stored=stored), True, lost),
    ]

    rows, rejected = extract(tmp_path, plan)

    assert [row["slice_id"] for row in rows] == ["id of sampled", "id of small"]
    assert [row["annotated"] for row in rows] == [False, False]
    assert [row["mask"] for row in rows] == [None, None]
    assert rejected == {
        "wrong.png": "mask is 255 x 256, its slice 256 x 256",
        "lost.png": "mask is empty after resizing to cohort.image_size",
    }


def test_a_mask_that_covers_the_whole_slice_is_set_aside(tmp_path):
    stored, mask = bright_corner(size=256)
    nearly = np.ones_like(mask)
    nearly[1, 1] = False
    halves = np.zeros_like(mask), np.zeros_like(mask)
    halves[0][:128], halves[1][128:] = True, True
    pngs = {
        "whole": [np.ones_like(mask)],
        "nearly": [nearly],
        "halves": halves,
        "half": halves[:1],
    }
    plan = [
        planned(
            write_ct(tmp_path / f"{name}.dcm", stored=stored),
            True,
            *(save_mask(tmp_path / f"{name}_{n}.png", it) for n, it in enumerate(masks)),
        )
        for name, masks in pngs.items()
    ]

    rows, rejected = extract(tmp_path, plan)

    assert [row["annotated"] for row in rows] == [False, False, False, True]
    names = ["whole_0", "nearly_0", "halves_0", "halves_1"]
    assert rejected == {f"{name}.png": "mask covers the whole slice" for name in names}


@pytest.mark.parametrize(
    "orientation",
    [
        [1, 0, 0, 0, 1, 0],
        [1, 0, 0, 0, -1, 0],
        [-1, 0, 0, 0, -1, 0],
        [0, 1, 0, 1, 0, 0],
        [0, -1, 0, 1, 0, 0],
    ],
    ids=str,
)
def test_slice_and_mask_stay_together_in_any_orientation(tmp_path, orientation):
    stored, mask = bright_corner()
    path = write_ct(
        tmp_path / "dicom" / "a.dcm",
        stored=stored,
        ImageOrientationPatient=orientation,
        PixelSpacing=[1.0, 0.5],
        SOPInstanceUID=uid("a"),
    )
    (tmp_path / "masks").mkdir()
    save_mask(tmp_path / "masks" / f"{uid('a')}.png", mask)
    masks, _ = match_masks(index_folders([tmp_path / "dicom"]).slices, tmp_path / "masks")

    rows, rejected = extract(tmp_path, [planned(path) | {"masks": masks[uid("a")]}])

    assert not rejected
    bright, found = rows[0]["image"] > 0.5, rows[0]["mask"]
    assert found.any()
    assert np.mean(bright != found) < 0.02
    rows_are_columns = abs(orientation[0]) < 0.5
    extent = np.ptp(np.argwhere(found), axis=0) + 1
    assert (extent[1] > extent[0]) == rows_are_columns


def test_many_slices_keep_their_order_over_row_groups(tmp_path):
    plan = [planned(path) for path in write_series(tmp_path / "dicom", ROWS_PER_GROUP + 3)]

    rows, _ = extract(tmp_path, plan)

    assert [row["slice_id"] for row in rows] == [row["slice_id"] for row in plan]


def test_the_same_plan_gives_the_same_bytes(tmp_path):
    stored, mask = bright_corner()
    path = write_ct(tmp_path / "a.dcm", stored=stored)
    plan = [planned(path, True, save_mask(tmp_path / "a.png", mask))]
    contents = []
    for name in ("one", "two"):
        extract_slices("P1", "test", plan, OPTIONS, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())

    assert contents[0] == contents[1]


def test_a_slice_that_crashes_its_decoder_is_set_aside_alone(tmp_path, monkeypatch):
    stored, mask = bright_corner()
    paths = [write_ct(tmp_path / f"{number}.dcm", stored=stored) for number in range(4)]
    read_slice = extraction.read_slice

    def crash(path: str, frame: int | None) -> np.ndarray:
        if path in map(str, paths[1:3]):
            faulthandler.disable()
            os.kill(os.getpid(), signal.SIGSEGV)
        return read_slice(path, frame)

    monkeypatch.setattr(extraction, "read_slice", crash)
    masked = planned(paths[2], True, save_mask(tmp_path / "a.png", mask))
    plan = [planned(paths[0]), planned(paths[1]), masked, planned(paths[3])]

    rows, rejected = extract(tmp_path, plan)

    assert [row["slice_id"] for row in rows] == ["id of 0", "id of 3"]
    reason = "damaged: it crashes the library that reads it"
    assert rejected == {"1.dcm": reason, "2.dcm": f"{reason} (or one of its masks does)"}


def test_of_several_readers_each_mask_is_kept_and_the_mask_is_where_any_of_them_marked(tmp_path):
    stored, mask = bright_corner()
    shifted = np.roll(mask, (6, -4), axis=(0, 1))
    paths = [write_ct(tmp_path / f"{name}.dcm", stored=stored) for name in "abc"]
    masks = [
        save_mask(tmp_path / f"{name}.png", it)
        for name, it in zip("ab", (mask, shifted), strict=True)
    ]
    plans = [planned(paths[0], True, *masks), planned(paths[1], True, masks[1]), planned(paths[2])]
    plans[0]["masks"][1]["reader"] = plans[1]["masks"][0]["reader"] = 1
    plans[0]["masks"][0]["reader"] = 0

    rejected = extract_slices("P1", "test", plans, OPTIONS, tmp_path / "P1.parquet", readers=2)

    assert not rejected
    both, one, none = read_rows(tmp_path / "P1.parquet")
    alone = [extract(tmp_path, [planned(paths[0], True, it)])[0][0]["mask"] for it in masks]
    union = save_mask(tmp_path / "union.png", mask | shifted)
    together = extract(tmp_path, [planned(paths[0], True, union)])[0][0]["mask"]
    np.testing.assert_array_equal(both["readers"], alone)
    np.testing.assert_array_equal(both["mask"], together)
    assert not one["readers"][0].any()
    np.testing.assert_array_equal(one["readers"][1], one["mask"])
    np.testing.assert_array_equal(one["mask"], alone[1])
    assert none["mask"] is none["readers"] is None


def test_the_mask_decides_the_label_where_the_plan_leaves_it_open(tmp_path):
    stored, mask = bright_corner(size=256)
    tiny = np.zeros_like(mask)
    tiny[1, 1] = True
    masks = {
        "marked": [mask],
        "empty": [np.zeros_like(mask)],
        "covered": [np.ones_like(mask)],
        "lost by resizing": [tiny],
        "unread": [mask[:-1]],
        "empty and unread": [np.zeros_like(mask), mask[:-1]],
        "marked and unread": [mask, mask[:-1]],
    }
    plan = [
        planned(
            write_ct(tmp_path / f"{name}.dcm", stored=stored),
            True,
            *(save_mask(tmp_path / f"{name} {n}.png", it) for n, it in enumerate(given)),
        )
        | {"label": None}
        for name, given in masks.items()
    ]
    plan.append(planned(write_ct(tmp_path / "without.dcm", stored=stored)) | {"label": 0})

    rows, rejected = extract(tmp_path, plan)

    assert {row["slice_id"]: (row["label"], row["annotated"]) for row in rows} == {
        "id of marked": (1, True),
        "id of empty": (0, False),
        "id of covered": (1, False),
        "id of marked and unread": (1, True),
        "id of without": (0, False),
    }
    images = {name: reason for name, reason in rejected.items() if name.endswith(".dcm")}
    assert images == {
        f"{name}.dcm": NOT_KNOWN for name in ("lost by resizing", "unread", "empty and unread")
    }


# Several patients


@pytest.fixture
def patients(tmp_path):
    """Extract three patients of a slice each, again and again; return which were made anew."""
    plans = {}
    for name in ("P1", "P2", "P3.x"):
        path = write_ct(tmp_path / f"{name}.dcm", stored=bright_corner()[0])
        plans[name] = {"patient_id": name, "split": "train", "structures": None}
        plans[name]["slices"] = [planned(path)]

    def run(code: str = "", killed_at: str | None = None) -> set[str]:
        job = ExtractionJob(options=OPTIONS, folder=str(tmp_path), code=code)
        files = []
        for name in plans:
            files.append(tmp_path / f"{name}.json")
            files[-1].write_text(json.dumps(plans[name]))
        before = times(tmp_path / "slices")
        with pytest.MonkeyPatch.context() as patch:
            if killed_at:
                patch.setattr(extraction, "read_slice", failing_for(killed_at))
            extract_patients(job, files, tmp_path / "list", tmp_path / "rejected")
        after = times(tmp_path / "slices")
        return {name for name in after if after[name] != before.get(name)}

    run.plans, run.folder = plans, tmp_path
    return run


def times(folder: Path) -> dict[str, int]:
    return {path.stem: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


def failing_for(name: str):
    read_slice = extraction.read_slice

    def read(path: str, frame: int | None):
        if Path(path).stem == name:
            raise KeyboardInterrupt
        return read_slice(path, frame)

    return read


def test_each_of_several_patients_has_a_table_as_if_it_were_alone(patients, tmp_path):
    assert patients() == {"P1", "P2", "P3.x"}

    listed = [(row["patient_id"], row["table"]) for row in read_rows(tmp_path / "list")]
    assert listed == [(name, f"slices/{name}.parquet") for name in patients.plans]
    extract_slices("P2", "train", patients.plans["P2"]["slices"], OPTIONS, tmp_path / "alone")
    table = tmp_path / "slices" / "P2.parquet"
    assert table.read_bytes() == (tmp_path / "alone").read_bytes()


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        (lambda it: None, set()),
        (lambda it: it.plans["P2"].update(split="test"), {"P2"}),
        (lambda it: write_ct(it.folder / "P2.dcm", stored=bright_corner(90)[0]), {"P2"}),
        (lambda it: (it.folder / "slices" / "P3.x.parquet").unlink(), {"P3.x"}),
        (lambda it: (it.folder / "cohort" / "extracted" / "P1.json").unlink(), {"P1"}),
        (lambda it: (it.folder / "cohort" / "extracted" / "P1.json").write_text(""), {"P1"}),
    ],
    ids=["nothing", "plan", "DICOM", "no table", "no note", "damaged note"],
)
def test_those_are_made_anew_whose_table_is_old(patients, change, anew):
    patients()
    change(patients)

    assert patients() == anew


def test_other_code_makes_all_anew(patients):
    patients()

    assert patients(code="edited") == {"P1", "P2", "P3.x"}


def test_patients_that_were_done_when_the_job_ended_stay(patients):
    with pytest.raises(KeyboardInterrupt):
        patients(killed_at="P2")

    assert patients() == {"P2", "P3.x"}


def test_files_set_aside_are_told_whether_or_not_they_were_read_again(patients, tmp_path):
    write_ct(tmp_path / "P2.dcm", stored=np.full((64, 64), 24, np.uint16))
    patients()
    before = read_rejected(tmp_path / "rejected")

    assert [Path(path).name for path in before] == ["P2.dcm"]
    assert patients() == set()
    assert read_rejected(tmp_path / "rejected") == before
