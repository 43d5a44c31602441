"""Example slices of Figures 1 and 3."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ct_importance.errors import InputError
from ct_importance.io.image_table import read_rows
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row, iterate_slices
from ct_importance.io.table_file import read_table
from ct_importance.task import Task


def choose_examples(
    slices: StrPath,
    predictions_path: StrPath,
    chosen: Mapping[str, str],
    task: Task,
) -> dict[int, Row]:
    """Return one annotated slice of each class that has one, with image and mask.

    Args:
        slices: The list of slices.
        predictions_path: Table of predictions.
        chosen: Slice ids by class (`ct_importance.task.Task.keys`); for a class without one, the
            correctly classified slice whose mask is the largest is taken, of a test patient if
            possible.
        task: What the classifier tells apart.

    Returns:
        Label -> row of `ct_importance.io.slices.iterate_slices`.

    Raises:
        InputError: If a chosen slice has no mask or another label, or no slice has a mask.
    """
    predictions = read_table(predictions_path, ["slice_id", "correct"]).to_pylist()
    correct = {row["slice_id"]: row["correct"] for row in predictions}
    best: dict[int, tuple[tuple[bool, bool, int], Row]] = {}
    for row in iterate_slices(slices, ["annotated"], ["image", "mask"]):
        wanted = chosen.get(task.keys[row["label"]])
        if wanted is not None and row["slice_id"] != wanted:
            continue
        rank = (correct[row["slice_id"]], row["split"] == "test", int(row["mask"].sum()))
        if row["label"] not in best or rank > best[row["label"]][0]:
            best[row["label"]] = rank, row
    for label, key in enumerate(task.keys):
        if key in chosen and label not in best:
            raise InputError(
                f"config: report.example_slices.{key}: {chosen[key]} is no slice of that label "
                "with a mask"
            )
    if not best:
        raise InputError(
            "no slice has a mask that could be used, and Figures 1 and 3 need one: see "
            "cohort/rejected.parquet for the reasons"
        )
    return {label: row for label, (_, row) in sorted(best.items())}


def row_of_slice(path: StrPath, slice_id: str) -> Row:
    """Return the row of a slice in a table of maps or segments.

    Raises:
        InputError: If the table lacks the slice.
    """
    for row in read_rows(path, slice_ids=[slice_id]):
        if row["slice_id"] == slice_id:
            return row
    raise InputError(f"{path}: lacks slice {slice_id}; delete this file and run again")


def map_of_slice(path: StrPath, slice_id: str) -> np.ndarray:
    """Return the importance map (H, W) of a slice."""
    importance: np.ndarray = row_of_slice(path, slice_id)["importance"]
    return importance
