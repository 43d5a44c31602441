"""Reads the extracted slices of all patients one by one, and joins other tables to them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ct_importance.compute.chunks import in_chunks
from ct_importance.errors import InputError
from ct_importance.io.digests import file_digest
from ct_importance.io.image_table import ROWS_PER_GROUP, read_rows, write_table
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_schema, read_table

Row = dict[str, Any]
FLAG_FIELDS = [
    pa.field("slice_id", pa.string(), nullable=False),
    pa.field("patient_id", pa.string(), nullable=False),
    pa.field("label", pa.int8(), nullable=False),
    pa.field("split", pa.string(), nullable=False),
    pa.field("sampled", pa.bool_(), nullable=False),
    pa.field("annotated", pa.bool_(), nullable=False),
]
FLAGS = [field.name for field in FLAG_FIELDS]
LIST_SCHEMA = pa.schema(
    [*FLAG_FIELDS, ("planted", pa.bool_()), ("table", pa.string()), ("digest", pa.string())]
)
"""A row per slice; planted: whether a sign was put on it (`PLANTED`); table: where its pixels are,
from the folder of the list; digest: of that file, so that the list differs whenever a pixel does.
"""

PLANTED = "planted"
"""Image column (H, W) of a table of slices on which a sign was put, where that is known: its mask,
null where the sign has no place."""

READERS = "readers"
"""Image column (R, H, W) of a table whose slices several readers marked: the mask of each, empty
where one did not mark the slice. The column "mask" is where any of them did."""

EXTRACT_AGAIN = "run again with --forcerun extract_slices"

SUBSETS: dict[str, Callable[[Row], bool]] = {
    "train": lambda row: row["split"] == "train" and row["sampled"],
    "test": lambda row: row["split"] == "test" and row["sampled"],
    "annotated": lambda row: row["annotated"],
    "annotated_test": lambda row: row["annotated"] and row["split"] == "test",
    "planted": lambda row: row["split"] == "test" and row["sampled"] and bool(row["planted"]),
    "all": lambda row: True,
}
"""The evenly spaced slices of training and of test patients; those with a mask, of all and of test
patients; those of test patients with a sign that was put on them; every slice."""


def write_slice_list(path: StrPath, tables: Sequence[StrPath]) -> None:
    """Write a list of the slices of some patients (`LIST_SCHEMA`).

    The steps after the extraction depend on one list of all instead of a file per patient.

    Args:
        path: The list to write.
        tables: Tables slices/<patient>.parquet, in the order wanted.
    """
    columns: dict[str, list[Any]] = {name: [] for name in LIST_SCHEMA.names}
    for table in tables:
        flags = read_table(table, columns=FLAGS).to_pydict()
        count = len(flags["slice_id"])
        flags |= {
            "planted": _have_sign(table, count),
            "table": [os.path.relpath(table, Path(path).parent)] * count,
            "digest": [file_digest(table)] * count,
        }
        for name, values in flags.items():
            columns[name] += values
    write_table(path, LIST_SCHEMA, columns)


def _have_sign(table: StrPath, count: int) -> list[bool]:
    if PLANTED not in read_schema(table).names:
        return [False] * count
    masks = read_table(table, columns=[PLANTED]).column(PLANTED)
    has_sign: list[bool] = masks.is_valid().to_pylist()
    return has_sign


def join_slice_lists(path: StrPath, lists: Sequence[StrPath]) -> None:
    """Write one list of slices out of several, patient by patient in the order of their ids.

    Raises:
        InputError: If a table of which one of them tells is missing.
    """
    rows: list[Row] = []
    for one in lists:
        rows += moved_rows(read_table(one).to_pylist(), one, path)
    for name in {row["table"] for row in rows}:
        if not (Path(path).parent / name).exists():
            raise InputError(f"{Path(path).parent / name} is missing: {EXTRACT_AGAIN}")
    write_rows(path, sorted(rows, key=lambda row: str(row["patient_id"])))


def moved_rows(rows: Iterable[Row], old: StrPath, new: StrPath) -> list[Row]:
    """Return rows of a list as they stand in a list of another folder.

    Args:
        rows: Rows of `LIST_SCHEMA`.
        old: Their list.
        new: The other.
    """
    start = Path(new).parent
    return [
        row | {"table": os.path.relpath(Path(old).parent / row["table"], start)} for row in rows
    ]


def write_rows(path: StrPath, rows: Sequence[Row]) -> None:
    """Write rows of `LIST_SCHEMA` as a list of slices."""
    columns = {name: [row[name] for row in rows] for name in LIST_SCHEMA.names}
    write_table(path, LIST_SCHEMA, columns)


@dataclass(frozen=True)
class Shard:
    """One of several shares of the slices, so that several jobs can divide the work.

    Shares begin at a multiple of `ROWS_PER_GROUP` slices: the batches are the same, and with them
    every bit of the results, however many shares there are. A share can be empty.
    """

    number: int = 0
    """From 0 to ``count`` - 1."""
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that a file is named after, e.g. ``2of3``: the second of three.

        Example:
            >>> Shard.parse("2of3")
            Shard(number=1, count=3)
        """
        number, count = map(int, text.split("of"))
        return cls(number - 1, count)

    def of(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Return the share of some rows.

        Example:
            >>> [len(Shard(number, 2).of(range(100))) for number in (0, 1)]
            [64, 36]
        """
        groups = -(-len(rows) // ROWS_PER_GROUP)
        first, last = (groups * number // self.count for number in (self.number, self.number + 1))
        return rows[first * ROWS_PER_GROUP : last * ROWS_PER_GROUP]


WHOLE = Shard()


def iterate_slices(
    slices: StrPath,
    subsets: Iterable[str],
    columns: Sequence[str] = (),
    shard: Shard = WHOLE,
    slice_ids: Collection[str] | None = None,
) -> Iterator[Row]:
    """Yield the slices that belong to any of some subsets, patient by patient.

    Args:
        slices: The list of slices (`write_slice_list`).
        subsets: Names out of `SUBSETS`.
        columns: Image columns to read beside `FLAGS`: "image", "mask", `PLANTED`, and `READERS`,
            which slices lack that one reader can have marked.
        shard: The share of these slices to yield.
        slice_ids: Of these, those to yield; None for all. Tables of other patients are not read.

    Raises:
        InputError: If the table of a patient is missing or damaged.
    """
    listed = shard.of(listed_rows(slices, subsets))
    if slice_ids is not None:
        listed = [row for row in listed if row["slice_id"] in slice_ids]
    if not columns:
        for row in listed:
            yield {name: row[name] for name in FLAGS}
        return
    wanted = {(row["table"], row["slice_id"]) for row in listed}
    for table in dict.fromkeys(row["table"] for row in listed):
        for row in _rows_of_patient(slices, table, [*FLAGS, *columns]):
            if (table, row["slice_id"]) in wanted:
                yield row


def _rows_of_patient(slices: StrPath, table: str, columns: Sequence[str]) -> Iterator[Row]:
    path = Path(slices).parent / table
    try:
        if READERS in columns and READERS not in read_schema(path).names:
            columns = [name for name in columns if name != READERS]
        yield from read_rows(path, columns)
    except FileNotFoundError:
        raise InputError(f"{path} is missing: {EXTRACT_AGAIN}") from None
    except InputError as error:
        # While the list is there, nothing asks for the tables that it was made from.
        raise InputError(f"{error} with --forcerun extract_slices") from error


def count_slices(slices: StrPath, subsets: Iterable[str], shard: Shard = WHOLE) -> int:
    """Return how many slices `iterate_slices` would yield, without reading images."""
    return len(shard.of(listed_rows(slices, subsets)))


def training_patients(slices: StrPath) -> set[str]:
    """Return the ids of the training patients."""
    rows = read_table(slices, columns=["patient_id", "split"]).to_pylist()
    return {row["patient_id"] for row in rows if row["split"] == "train"}


def listed_rows(slices: StrPath, subsets: Iterable[str]) -> list[Row]:
    """Return the rows of `LIST_SCHEMA` of the slices that belong to any of some subsets."""
    members = [SUBSETS[subset] for subset in subsets]
    rows = read_table(slices).to_pylist()
    return [row for row in rows if any(belongs(row) for belongs in members)]


def image_schema(slices: StrPath) -> pa.Schema:
    """Return the schema of the tables with the pixels of slices.

    Args:
        slices: The list of slices.

    Raises:
        InputError: If it is empty, or a table is missing.
    """
    for row in read_table(slices, columns=["table"]).slice(0, 1).to_pylist():
        return read_schema(Path(slices).parent / row["table"])
    raise InputError(f"{slices}: there is no slice; see cohort/rejected.parquet for the reasons")


def copy_id(slice_id: str, number: int) -> str:
    """Return the id of a copy of a slice.

    Example:
        >>> copy_id("1.2.3", 4)
        '1.2.3#copy4'
    """
    return f"{slice_id}#copy{number}"


def original_of(slice_id: str) -> str:
    """Return the id of the slice that a copy is of; of a slice that is none, its own.

    Example:
        >>> original_of("1.2.3#copy4"), original_of("1.2.3")
        ('1.2.3', '1.2.3')
    """
    return re.sub(r"#copy\d+$", "", slice_id)


def image_batches(rows: Iterable[Row], size: int) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield slice ids and images (n, H, W) of up to `size` slices at a time."""
    for batch in in_chunks(rows, size):
        yield [row["slice_id"] for row in batch], np.stack([row["image"] for row in batch])


def load_images(
    slices: StrPath, subset: str
) -> tuple[list[Row], NDArray[np.float32], NDArray[np.int8]]:
    """Return the flags, images (N, H, W) and labels (N,) of a subset, all in memory."""
    rows: list[Row] = []
    images = np.empty((0, 0, 0), np.float32)
    for row in iterate_slices(slices, [subset], ["image"]):
        image = row.pop("image")
        if not rows:
            # Filled one by one: a list to be stacked would take all images' memory once more.
            images = np.empty((count_slices(slices, [subset]), *image.shape), np.float32)
        images[len(rows)] = image
        rows.append(row)
    return rows, images, np.array([row["label"] for row in rows], dtype=np.int8)


def load_training_masks(slices: StrPath) -> NDArray[np.bool_]:
    """Return the masks (M, H, W) of those slices of training patients that have one."""
    rows = iterate_slices(slices, ["annotated"], ["mask"])
    masks = [row["mask"] for row in rows if row["split"] == "train"]
    return np.stack(masks) if masks else np.empty((0, 0, 0), bool)


def read_predicted(predictions: StrPath) -> dict[str, int]:
    """Return the class that the classifier predicts for each slice, by slice id."""
    rows = read_table(predictions, columns=["slice_id", "predicted"]).to_pylist()
    return {row["slice_id"]: row["predicted"] for row in rows}


def read_labels(slices: StrPath) -> dict[str, int]:
    """Return the label of each slice of the list of slices, by slice id."""
    rows = read_table(slices, columns=["slice_id", "label"]).to_pylist()
    return {row["slice_id"]: row["label"] for row in rows}


def read_together(tables: Sequence[StrPath]) -> Iterator[tuple[str, list[Row]]]:
    """Yield the id of each slice, and what each of several tables of the same slices has of it.

    One slice at a time is in memory.

    Args:
        tables: Tables with a slice_id and images.

    Raises:
        InputError: If the slices differ.
    """
    for rows in zip(*map(read_rows, tables), strict=True):
        slice_ids = {row.pop("slice_id") for row in rows}
        if len(slice_ids) > 1:
            raise InputError(
                f"{' and '.join(map(str, tables))} hold other slices; delete the one that is old "
                "and run again"
            )
        yield slice_ids.pop(), list(rows)


def join_by_slice(rows: Iterable[Row], *tables: Iterable[Row]) -> Iterator[tuple[Row, ...]]:
    """Yield each row together with the rows of the same slice in other tables.

    Args:
        rows: Rows with a slice_id.
        tables: Rows in the same order that hold every slice of `rows`, and perhaps others.

    Raises:
        InputError: If a table lacks a slice: it was made from other inputs.
    """
    iterators = [iter(table) for table in tables]
    for row in rows:
        yield row, *(_advance(iterator, row["slice_id"]) for iterator in iterators)


def _advance(rows: Iterator[Row], slice_id: str) -> Row:
    for row in rows:
        if row["slice_id"] == slice_id:
            return row
    raise InputError(
        f"slice {slice_id} is missing in a table made from it: delete that table and run again"
    )
