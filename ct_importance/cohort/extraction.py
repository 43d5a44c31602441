"""Extracts the planned slices of one patient: pixels and mask, scaled, resized, in one table."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.jobs import ExtractionJob
from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.cohort.pixels import (
    read_hounsfield,
    resize_slice,
    to_standard_orientation,
    to_unit_range,
)
from ct_importance.cohort.rejection import CRASH, RejectedFile, check_permission
from ct_importance.cohort.slice_entry import ON_SLICE, place_of, write_rejected
from ct_importance.cohort.volume.slices import read_volume_slice
from ct_importance.compute.workers import safe_map
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter, image_field
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import FLAG_FIELDS

logger = logging.getLogger(__name__)

NO_INSIDE = "mask is empty after resizing to cohort.image_size"
NO_OUTSIDE = "mask covers the whole slice"
NOT_KNOWN = "its mask cannot be used, so that its label is not known (task.label_from)"


def slices_schema(image_size: int) -> pa.Schema:
    """Return the schema of slices/<patient>.parquet."""
    shape = (image_size, image_size)
    return pa.schema(
        [
            *FLAG_FIELDS,
            image_field("image", shape, "float32"),
            image_field("mask", shape, "bool", nullable=True),
        ]
    )


def extract_plan(
    job: ExtractionJob,
    plan: StrPath,
    slices: StrPath,
    rejected: StrPath,
) -> None:
    """Write the slices of a patient, and which files could not be used (`extract_slices`).

    Args:
        job: Size and window of the slices.
        plan: The JSON of the patient (`plan.writing.write_plan`).
        slices: The table to write (`slices_schema`).
        rejected: The table to write of the files, with the reason.
    """
    planned = json.loads(Path(plan).read_text())
    unfit = extract_slices(
        planned["patient_id"],
        planned["split"],
        planned["slices"],
        job.options,
        slices,
        planned["structures"],
    )
    write_rejected(rejected, unfit)


def extract_slices(
    patient_id: str,
    split: str,
    planned: Sequence[dict[str, Any]],
    options: ExtractionOptions,
    path: StrPath,
    structures: Sequence[str | int] | None = None,
) -> dict[str, str]:
    """Write slices/<patient>.parquet from a plan (`plan_patient`).

    Args:
        patient_id: The patient, as all later tables name it.
        split: "train" or "test".
        planned: Rows of the plan.
        options: Size and window of the slices.
        path: The table to write.
        structures: Names or numbers of the structures that unite to the mask; None for all.

    Returns:
        Path of every file that could not be used, with the reason; the rest goes on.

    Raises:
        InputError: If a planned file is gone.
        OSError, MemoryError: If it may not be read, or disk or memory failed.
    """
    rejected: dict[str, str] = {}
    extract = partial(_extract_slice, options=options, structures=structures)
    # In another process: a file may crash a library.
    extracted = iter(safe_map(extract, planned, _crashed))
    with TableWriter(path, slices_schema(options.image_size)) as writer:
        while group := list(islice(extracted, ROWS_PER_GROUP)):
            rows = [row for row, _ in group if row is not None]
            rejected |= {file: reason for _, unfit in group for file, reason in unfit.items()}
            if not rows:
                continue
            columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
            columns["patient_id"] = [patient_id] * len(rows)
            columns["split"] = [split] * len(rows)
            columns["image"] = np.stack(columns["image"])
            writer.write(columns)
    for file, reason in rejected.items():
        logger.warning("set aside %s: %s", file, reason)
    return rejected


def _extract_slice(
    plan: dict[str, Any], options: ExtractionOptions, structures: Sequence[str | int] | None
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Return the row of a slice, None without one, and the files that are of no use for it."""
    rejected: dict[str, str] = {}
    geometry = SliceGeometry(**plan["geometry"])
    try:
        hounsfield = read_slice(plan["path"], plan["frame"])
        if hounsfield.shape != (geometry.rows, geometry.columns):
            raise RejectedFile("changed since it was indexed: use --forcerun read_headers")
        scaled = to_unit_range(hounsfield, options.hu_window)
        if scaled.min() == scaled.max():
            raise RejectedFile("image is constant within cohort.hu_window")
    except RejectedFile as reason:
        check_permission(plan["path"], reason)
        _check_is_there(plan["path"], "read_headers")
        rejected[place_of(plan["path"], plan["frame"])] = str(reason)
        return None, rejected
    mask, marks = _extract_mask(plan, geometry, options.image_size, structures, rejected)
    label = plan["label"]
    if label is None and marks is None:
        rejected[place_of(plan["path"], plan["frame"])] = NOT_KNOWN
        return None, rejected
    if mask is None and not plan["sampled"]:
        return None, rejected
    row = {
        "slice_id": plan["slice_id"],
        "label": int(bool(marks)) if label is None else label,
        "sampled": plan["sampled"],
        "annotated": mask is not None,
        "image": _resize(scaled, geometry, options.image_size),
        "mask": mask,
    }
    return row, rejected


def _crashed(plan: dict[str, Any]) -> tuple[None, dict[str, str]]:
    reason = f"{CRASH} (or one of its masks does)" if plan["masks"] else CRASH
    return None, {place_of(plan["path"], plan["frame"]): reason}


def _check_is_there(path: str, rule: str) -> None:
    """Tell a file that is gone, perhaps with its disk, from one that is damaged."""
    if not os.path.exists(path):
        raise InputError(
            f"{path}: was there when the cohort was indexed and is not now; put it back or mount "
            f"its disk, then run again. If it is gone for good: --forcerun {rule}"
        )


def _resize(pixels: np.ndarray, geometry: SliceGeometry, size: int) -> np.ndarray:
    oriented = to_standard_orientation(pixels, geometry.orientation)
    return resize_slice(np.ascontiguousarray(oriented), _spacing(geometry), size)


def _spacing(geometry: SliceGeometry) -> tuple[float, float]:
    """Return mm between rows and between columns after `to_standard_orientation`."""
    between_rows, between_columns = geometry.spacing
    if abs(geometry.orientation[0]) < abs(geometry.orientation[1]):
        return between_columns, between_rows
    return between_rows, between_columns


def _extract_mask(
    plan: dict[str, Any],
    geometry: SliceGeometry,
    size: int,
    structures: Sequence[str | int] | None,
    rejected: dict[str, str],
) -> tuple[np.ndarray | None, bool | None]:
    """Return what the mask files of a slice mark together, and whether they mark anything.

    The mask is None if that is nothing or all of the slice. Whether they mark anything is not known
    (None) where no pixel is left, but a file could not be read, or resizing lost all pixels.
    """
    union, all_read = np.zeros((geometry.rows, geometry.columns), bool), True
    for file in plan["masks"] or []:
        try:
            union |= read_mask(
                file["path"], plan["slice_id"], geometry, structures, plan["frame_of_reference"]
            )
        except RejectedFile as reason:
            check_permission(file["path"], reason)
            _check_is_there(file["path"], "plan_extraction")
            rejected[_place_on(file, plan)] = str(reason)
            all_read = False
    if not union.any():
        return None, False if all_read else None
    mask = _resize(union, geometry, size)
    if mask.any() and not mask.all():
        return mask, True
    # Neither has an inside and an outside that a map could tell apart.
    for file in plan["masks"]:
        rejected[_place_on(file, plan)] = NO_OUTSIDE if mask.any() else NO_INSIDE
    return None, True if mask.any() else None


def _place_on(file: dict[str, str], plan: dict[str, Any]) -> str:
    """Return a mask file and the slice on which it is of no use; on others it may be."""
    return f"{file['path']}{ON_SLICE}{plan['slice_id']}"


def read_slice(path: str, frame: int | None) -> NDArray[np.float32]:
    """Return a slice as stored, (rows, columns) float32 in HU.

    Args:
        path: DICOM file or volume.
        frame: Number of the slice in its volume; None for a DICOM file.

    Raises:
        RejectedFile: If it cannot be read, with the reason.
    """
    if frame is None:
        return read_hounsfield(path)[0]
    return read_volume_slice(path, frame)
