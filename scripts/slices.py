"""Streams the extracted slices of all patients, and what other tables say about them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from scripts.errors import InputError
from scripts.image_table import read_rows

Row = dict[str, Any]
FLAGS = ["slice_id", "patient_id", "label", "split", "sampled", "annotated"]

SUBSETS: dict[str, Callable[[Row], bool]] = {
    "train": lambda row: row["split"] == "train" and row["sampled"],
    "test": lambda row: row["split"] == "test" and row["sampled"],
    "annotated": lambda row: row["annotated"],
    "all": lambda row: True,
}
"""The evenly spaced slices of training and of test patients; those with a mask; every slice."""


def iterate_slices(
    paths: Sequence[str | os.PathLike], subsets: Iterable[str], columns: Sequence[str] = ()
) -> Iterator[Row]:
    """Yield the slices that belong to any of some subsets, patient by patient.

    Args:
        paths: Tables slices/<patient>.parquet, in the order wanted.
        subsets: Names out of `SUBSETS`.
        columns: Image columns to read beside `FLAGS`: "image", "mask".
    """
    wanted = [SUBSETS[subset] for subset in subsets]
    for path in paths:
        for row in read_rows(path, [*FLAGS, *columns]):
            if any(belongs(row) for belongs in wanted):
                yield row


def count_slices(paths: Sequence[str | os.PathLike], subsets: Iterable[str]) -> int:
    """Return how many slices `iterate_slices` would yield, without reading images."""
    wanted = [SUBSETS[subset] for subset in subsets]
    return sum(
        any(belongs(row) for belongs in wanted)
        for path in paths
        for row in pq.read_table(path, columns=FLAGS).to_pylist()
    )


def image_batches(rows: Iterable[Row], size: int) -> Iterator[tuple[list[str], np.ndarray]]:
    """Yield slice ids and images (n, H, W) of up to `size` slices at a time."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield [row["slice_id"] for row in batch], np.stack([row["image"] for row in batch])


def load_images(
    paths: Sequence[str | os.PathLike], subset: str
) -> tuple[list[Row], np.ndarray, np.ndarray]:
    """Return the flags, images (N, H, W) and labels (N,) of a subset, all in memory."""
    rows = list(iterate_slices(paths, [subset], ["image"]))
    images = np.stack([row.pop("image") for row in rows]) if rows else np.empty((0, 0, 0), "f4")
    return rows, images, np.array([row["label"] for row in rows], dtype=np.int8)


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
