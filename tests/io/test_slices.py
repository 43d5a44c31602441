import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ct_importance.cohort.extraction import slices_schema
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, write_table
from ct_importance.io.slices import (
    Shard,
    count_slices,
    image_batches,
    iterate_slices,
    join_by_slice,
    join_slice_lists,
    load_images,
    training_patients,
    write_slice_list,
)

SIZE = 4
ROWS = {
    "P1": [("train", True, False), ("train", False, True), ("train", True, True)],
    "P2": [("test", True, True), ("test", False, True)],
    "P3": [],
    "P4": [("test", True, False)],
}
"""Split, sampled and annotated of each patient's slices."""


@pytest.fixture
def tables(tmp_path: Path) -> list[Path]:
    (tmp_path / "slices").mkdir()
    for patient, rows in ROWS.items():
        write_table(
            tmp_path / "slices" / patient,
            slices_schema(SIZE),
            {
                "slice_id": [f"{patient}.{number}" for number in range(len(rows))],
                "patient_id": [patient] * len(rows),
                "label": [int(patient == "P2")] * len(rows),
                "split": [split for split, _, _ in rows],
                "sampled": [sampled for _, sampled, _ in rows],
                "annotated": [annotated for _, _, annotated in rows],
                "image": [np.full((SIZE, SIZE), number, "f4") for number in range(len(rows))],
                "mask": [np.ones((SIZE, SIZE), bool) if row[2] else None for row in rows],
            },
        )
    return [tmp_path / "slices" / patient for patient in ROWS]


@pytest.fixture
def slices(tables: list[Path], tmp_path: Path) -> Path:
    write_slice_list(tmp_path / "slices.parquet", tables)
    return tmp_path / "slices.parquet"


@pytest.mark.parametrize(
    ("subsets", "slice_ids"),
    [
        (["train"], ["P1.0", "P1.2"]),
        (["test"], ["P2.0", "P4.0"]),
        (["annotated"], ["P1.1", "P1.2", "P2.0", "P2.1"]),
        (["annotated_test"], ["P2.0", "P2.1"]),
        (["all"], ["P1.0", "P1.1", "P1.2", "P2.0", "P2.1", "P4.0"]),
        (["annotated", "test"], ["P1.1", "P1.2", "P2.0", "P2.1", "P4.0"]),
        ([], []),
    ],
)
def test_subsets_are_read_patient_by_patient_each_slice_once(slices, subsets, slice_ids):
    assert [row["slice_id"] for row in iterate_slices(slices, subsets)] == slice_ids
    assert count_slices(slices, subsets) == len(slice_ids)


def test_images_and_masks_come_where_asked_for(slices):
    row = next(iterate_slices(slices, ["annotated"], ["image", "mask"]))

    assert row["image"].shape == row["mask"].shape == (SIZE, SIZE)
    assert "image" not in next(iterate_slices(slices, ["annotated"]))


def test_batches_hold_every_slice_in_order(slices):
    rows = iterate_slices(slices, ["all"], ["image"])

    batches = list(image_batches(rows, 4))

    assert [len(images) for _, images in batches] == [4, 2]
    assert [name for names, _ in batches for name in names] == [
        row["slice_id"] for row in iterate_slices(slices, ["all"])
    ]
    assert batches[0][1].shape == (4, SIZE, SIZE)


def test_a_subset_can_be_loaded_whole(slices):
    rows, images, labels = load_images(slices, "annotated")

    assert [row["slice_id"] for row in rows] == ["P1.1", "P1.2", "P2.0", "P2.1"]
    np.testing.assert_array_equal(images[:, 0, 0], [1, 2, 0, 1])
    np.testing.assert_array_equal(labels, [0, 0, 1, 1])


def test_a_patient_without_slices_leaves_nothing_to_load(tables, tmp_path):
    write_slice_list(tmp_path / "list", tables[2:3])

    assert load_images(tmp_path / "list", "all")[1].size == 0


def test_the_list_differs_where_a_pixel_does(tables, slices, tmp_path):
    before = slices.read_bytes()
    write_slice_list(slices, tables)
    assert slices.read_bytes() == before
    columns = pq.read_table(tables[3]).to_pydict()
    columns["image"] = [np.full((SIZE, SIZE), 9, "f4")]
    columns["mask"] = [None]
    write_table(tables[3], slices_schema(SIZE), columns)

    write_slice_list(slices, tables)

    assert slices.read_bytes() != before


def test_the_list_and_its_tables_can_be_moved(slices, tmp_path):
    shutil.copytree(tmp_path, tmp_path.with_name("elsewhere"))
    shutil.rmtree(tmp_path / "slices")

    moved = tmp_path.with_name("elsewhere") / slices.name

    assert len(load_images(moved, "all")[0]) == 6


def test_tables_without_a_slice_of_the_subset_are_not_opened(tables, slices):
    for table in (tables[0], tables[2]):
        table.unlink()

    assert len(load_images(slices, "test")[0]) == 2


def test_of_some_slices_the_tables_of_their_patients_alone_are_opened(tables, slices):
    for table in (tables[0], tables[2]):
        table.unlink()

    rows = iterate_slices(slices, ["all"], ["image"], slice_ids={"P2.1", "P4.0"})

    assert [row["slice_id"] for row in rows] == ["P2.1", "P4.0"]


def test_tables_are_joined_by_slice_and_may_hold_more():
    rows = [{"slice_id": name} for name in "bd"]
    maps = [{"slice_id": name, "map": name.upper()} for name in "abcde"]
    segments = [{"slice_id": name, "segments": 1} for name in "bd"]

    joined = list(join_by_slice(rows, maps, segments))

    assert [(row["slice_id"], found["map"], other["segments"]) for row, found, other in joined] == [
        ("b", "B", 1),
        ("d", "D", 1),
    ]


def test_a_slice_that_another_table_lacks_is_named_with_the_remedy():
    rows = [{"slice_id": "a"}, {"slice_id": "b"}]

    with pytest.raises(InputError, match="slice b is missing in a table made from it: delete that"):
        list(join_by_slice(rows, [{"slice_id": "a"}, {"slice_id": "c"}]))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("number_of_rows", [0, 1, 31, 32, 33, 100, 224])
def test_shards_divide_the_rows_at_the_limits_of_batches(count, number_of_rows):
    rows = list(range(number_of_rows))
    shares = [Shard.parse(f"{number}of{count}").of(rows) for number in range(1, count + 1)]

    assert [row for share in shares for row in share] == rows
    assert all(share[0] % ROWS_PER_GROUP == 0 for share in shares if share)
    assert max(map(len, shares)) - min(map(len, shares)) <= 2 * ROWS_PER_GROUP


def test_shards_of_a_list_yield_each_slice_once_in_order(slices, monkeypatch):
    monkeypatch.setattr("ct_importance.io.slices.ROWS_PER_GROUP", 2)
    shards = [Shard(number, 2) for number in range(2)]

    found = [
        [row["slice_id"] for row in iterate_slices(slices, ["all"], ["image"], it)] for it in shards
    ]

    assert found == [["P1.0", "P1.1"], ["P1.2", "P2.0", "P2.1", "P4.0"]]
    assert [count_slices(slices, ["all"], it) for it in shards] == [2, 4]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda path: path.unlink(),
            r"P1 is missing: run again with --forcerun extract_slices",
        ),
        (
            lambda path: path.write_bytes(b""),
            r"delete this file and run again with --forcerun extract_slices",
        ),
    ],
)
def test_a_lost_table_of_a_patient_is_made_again_with_the_list(slices, damage, message):
    """The list alone is asked for: while it is there, Snakemake makes no table anew."""
    row = next(iterate_slices(slices, ["all"], ["image"]))
    table = pq.read_table(slices, columns=["table"])["table"][0].as_py()
    assert row["image"].size
    damage(slices.parent / table)

    with pytest.raises(InputError, match=message):
        list(iterate_slices(slices, ["all"], ["image"]))


def test_lists_are_joined_patient_by_patient(tables, slices, tmp_path):
    (tmp_path / "parts").mkdir()
    for number in range(2):
        write_slice_list(tmp_path / "parts" / str(number), tables[1 - number :: 2])
    whole = pq.read_table(slices)

    join_slice_lists(tmp_path / "joined", [tmp_path / "parts" / str(number) for number in range(2)])

    assert pq.read_table(tmp_path / "joined").equals(whole)
    tables[0].unlink()
    with pytest.raises(InputError, match="is missing: run again with --forcerun extract_slices"):
        join_slice_lists(tmp_path / "joined", [tmp_path / "parts" / "0", tmp_path / "parts" / "1"])


def test_training_patients_are_those_of_the_split(slices):
    assert training_patients(slices) == {"P1"}
