"""Extracts the planned slices of patients: pixels and mask, scaled, resized, a table each."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.jobs import ExtractionJob
from ct_importance.cohort.masks.matching import read_mask
from ct_importance.cohort.options import WITHOUT_PLACE, ExtractionOptions, SignName
from ct_importance.cohort.pixels import (
    read_hounsfield,
    resize_slice,
    to_standard_orientation,
    to_unit_range,
)
from ct_importance.cohort.rejection import CRASH, RejectedFile, check_permission
from ct_importance.cohort.slice_entry import ON_SLICE, place_of, write_rejected
from ct_importance.cohort.volume.slices import read_volume_slice
from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.workers import safe_map
from ct_importance.errors import InputError
from ct_importance.io.atomic import write_text
from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter, image_field
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import FLAG_FIELDS, PLANTED, READERS, write_slice_list

logger = logging.getLogger(__name__)

NO_INSIDE = "mask is empty after resizing to cohort.image_size"
NO_OUTSIDE = "mask covers the whole slice"
NOT_KNOWN = "its mask cannot be used, so that its label is not known (task.label_from)"

LIBRARIES = ("nibabel", "numpy", "pydicom", "pylibjpeg", "scikit-image", "scipy", "SimpleITK")
"""Those that decide what a slice looks like."""

LEAST_CHANGE = 1e-3
"""Of the grey value of a pixel, from black to white, for a sign to be seen."""

Structures = Sequence[str | int] | None
"""Names or numbers of the structures that unite to the mask; None for all."""


@dataclass(frozen=True)
class Sign:
    """A sign that is put on slices."""

    name: SignName
    seed: int
    """Of the run."""


Planned = tuple[dict[str, Any], Structures, int]
"""A row of a plan, and the number of readers."""
Extracted = tuple[dict[str, Any] | None, dict[str, str]]
"""The row of a slice, None without one, and the files that are of no use for it."""


def slices_schema(image_size: int, readers: int = 1, planted: bool = False) -> pa.Schema:
    """Return the schema of slices/<patient>.parquet.

    Args:
        image_size: Rows and columns of a slice.
        readers: How many may have marked a slice.
        planted: Whether a sign was put on the slices, whose mask the table then has.
    """
    shape = (image_size, image_size)
    return pa.schema(
        [
            *FLAG_FIELDS,
            image_field("image", shape, "float32"),
            image_field("mask", shape, "bool", nullable=True),
            *([image_field(READERS, (readers, *shape), "bool", nullable=True)] * (readers > 1)),
            *([image_field(PLANTED, shape, "bool", nullable=True)] * planted),
        ]
    )


def extract_patients(
    job: ExtractionJob, plans: Sequence[StrPath], slices: StrPath, rejected: StrPath
) -> None:
    """Write the slices of some patients, a table each; those that are as they would be are kept.

    Args:
        job: Size and window of the slices, and where the tables lie.
        plans: The JSON of each patient (`plan.writing.write_plan`).
        slices: The list of their slices to write (`io.slices.LIST_SCHEMA`).
        rejected: The table to write of the files that could not be used, with the reason.

    Raises:
        InputError, OSError, MemoryError: As `extract_slices`. Tables that are done stay.
    """
    maker = [job.model_dump_json(), *(f"{name} {metadata.version(name)}" for name in LIBRARIES)]
    asked = [_Patient(job.folder, plan, maker) for plan in plans]
    todo = [it for it in asked if not it.is_done()]
    logger.info("%d patients: %d to be extracted", len(asked), len(todo))
    for patient in todo:
        patient.note.unlink(missing_ok=True)
    everything = [
        (row, it.plan["structures"], it.readers) for it in todo for row in it.plan["slices"]
    ]
    extracted = _extract(everything, job.options, job.sign and Sign(job.sign, job.seed))
    for patient in todo:
        own = islice(extracted, len(patient.plan["slices"]))
        plan = patient.plan
        schema = slices_schema(job.options.image_size, patient.readers, job.sign is not None)
        unfit = _write(plan["patient_id"], plan["split"], own, schema, patient.table)
        note = {"made_from": patient.made_from, "rejected": unfit}
        write_text(patient.note, json.dumps(note), flush=False)
    unfit = {}
    for patient in asked:
        unfit |= json.loads(patient.note.read_text())["rejected"]
    write_rejected(rejected, unfit)
    write_slice_list(slices, [patient.table for patient in asked])


class _Patient:
    """What is planned of a patient, where its table lies, and what that was made from."""

    def __init__(self, run: StrPath, plan: StrPath, maker: Sequence[str]) -> None:
        text = Path(plan).read_text()
        self.plan = json.loads(text)
        name = Path(plan).name.removesuffix(".json")
        self.readers = self.plan.get("readers", 1)
        self.table = Path(run, "slices", f"{name}.parquet")
        self.note = Path(run, "cohort", "extracted", f"{name}.json")
        """Written after the table: what it was made from, and the files that were of no use."""
        rows = self.plan["slices"]
        files = [file["path"] for row in rows for file in (row, *(row["masks"] or []))]
        parts = [*maker, text, *map(_stamp, dict.fromkeys(files))]
        self.made_from = hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()

    def is_done(self) -> bool:
        """Tell whether the table is what it would be if it were made again."""
        try:
            known = json.loads(self.note.read_text())
        except (OSError, ValueError):
            return False
        return self.table.exists() and known.get("made_from") == self.made_from


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return "missing"
    return f"{status.st_size} {status.st_mtime_ns}"


def extract_slices(
    patient_id: str,
    split: str,
    planned: Sequence[dict[str, Any]],
    options: ExtractionOptions,
    path: StrPath,
    structures: Structures = None,
    readers: int = 1,
) -> dict[str, str]:
    """Write slices/<patient>.parquet from a plan (`plan_patient`).

    Args:
        patient_id: The patient, as all later tables name it.
        split: "train" or "test".
        planned: Rows of the plan.
        options: Size and window of the slices.
        path: The table to write.
        structures: Names or numbers of the structures that unite to the mask; None for all.
        readers: How many may have marked a slice; of several, the table has the mask of each.

    Returns:
        Path of every file that could not be used, with the reason; the rest goes on.

    Raises:
        InputError: If a planned file is gone.
        OSError, MemoryError: If it may not be read, or disk or memory failed.
    """
    extracted = _extract([(row, structures, readers) for row in planned], options)
    return _write(patient_id, split, extracted, slices_schema(options.image_size, readers), path)


def _extract(
    planned: Sequence[Planned], options: ExtractionOptions, sign: Sign | None = None
) -> Iterator[Extracted]:
    # In another process: a file may crash a library.
    return iter(safe_map(partial(extract_slice, options=options, sign=sign), planned, _crashed))


def _write(
    patient_id: str,
    split: str,
    extracted: Iterator[Extracted],
    schema: pa.Schema,
    path: StrPath,
) -> dict[str, str]:
    rejected: dict[str, str] = {}
    with TableWriter(path, schema) as writer:
        for group in in_chunks(extracted, ROWS_PER_GROUP):
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


def extract_slice(
    planned: Planned, options: ExtractionOptions, sign: Sign | None = None
) -> Extracted:
    """Return the row of a slice, None without one, and the files that are of no use for it."""
    plan, structures, readers = planned
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
    marked, all_read = _read_masks(plan, geometry, structures, readers, rejected)
    size = options.image_size
    mask, marks = _extract_mask(np.any(marked, axis=0), all_read, plan, geometry, size, rejected)
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
        "image": resize_to_grid(scaled, geometry, size),
        "mask": mask,
    }
    if readers > 1:
        grid = [resize_to_grid(it, geometry, size) for it in marked]
        row[READERS] = None if mask is None else np.stack(grid)
    if sign is not None:
        # Upright first, so that a marker is on the same side of all patients.
        upright = np.ascontiguousarray(to_standard_orientation(hounsfield, geometry.orientation))
        between = standard_spacing(geometry)
        place = partial(resize_slice, spacing=between, size=size)
        row |= _with_sign(upright, row, sign, sum(between) / 2, options.hu_window, place)
    return row, rejected


def _with_sign(
    hounsfield: NDArray[np.float32],
    row: dict[str, Any],
    sign: Sign,
    spacing: float,
    window: tuple[float, float],
    place: Callable[[np.ndarray], np.ndarray],
) -> dict[str, Any]:
    """Return the image of a slice with a sign, and the mask of the sign.

    The mask is that of the slice as it is seen, in its grid and window: what changes at least half
    as much as what changes most; of a control, the body. Where the sign cannot be seen, or is all
    of the slice, the slice stays without it.
    """
    from ct_importance.cohort.planting.signs import plant

    planted = plant(hounsfield, sign.name, spacing, sign.seed, row["slice_id"])
    image = place(to_unit_range(planted.hu, window))
    change = np.abs(image - row["image"])
    where = place(planted.mask.astype(np.float32))
    largest = change[where > 0].max(initial=0)
    near = (where > 0) & (change >= largest / 2)
    mask = where >= 0.5 if sign.name in WITHOUT_PLACE else near
    if largest < LEAST_CHANGE or not mask.any() or mask.all():
        return {PLANTED: None}
    return {"image": image, PLANTED: mask}


def _crashed(planned: Planned) -> Extracted:
    plan, *_ = planned
    reason = f"{CRASH} (or one of its masks does)" if plan["masks"] else CRASH
    return None, {place_of(plan["path"], plan["frame"]): reason}


def _check_is_there(path: str, rule: str) -> None:
    """Tell a file that is gone, perhaps with its disk, from one that is damaged."""
    if not os.path.exists(path):
        raise InputError(
            f"{path}: was there when the cohort was indexed and is not now; put it back or mount "
            f"its disk, then run again. If it is gone for good: --forcerun {rule}"
        )


def resize_to_grid(
    pixels: np.ndarray, geometry: SliceGeometry, size: int, clip: bool = True
) -> np.ndarray:
    """Return pixels of a slice as stored, (rows, columns), in the grid in which it is extracted.

    Args:
        pixels: See `ct_importance.cohort.pixels.resize_slice`.
        geometry: The slice.
        size: Rows and columns of the result.
        clip: Whether the result is to stay in [0, 1].
    """
    oriented = to_standard_orientation(pixels, geometry.orientation)
    return resize_slice(np.ascontiguousarray(oriented), standard_spacing(geometry), size, clip)


def standard_spacing(geometry: SliceGeometry) -> tuple[float, float]:
    """Return mm between rows and between columns after `to_standard_orientation`."""
    between_rows, between_columns = geometry.spacing
    if abs(geometry.orientation[0]) < abs(geometry.orientation[1]):
        return between_columns, between_rows
    return between_rows, between_columns


def _read_masks(
    plan: dict[str, Any],
    geometry: SliceGeometry,
    structures: Structures,
    readers: int,
    rejected: dict[str, str],
) -> tuple[np.ndarray, bool]:
    """Return what the mask files of each reader mark together, and whether all could be read.

    Returns:
        (readers, rows, columns) bool as stored, and a bool.
    """
    marked, all_read = np.zeros((readers, geometry.rows, geometry.columns), bool), True
    for file in plan["masks"] or []:
        try:
            marked[file.get("reader", 0)] |= read_mask(
                file["path"], plan["slice_id"], geometry, structures, plan["frame_of_reference"]
            )
        except RejectedFile as reason:
            check_permission(file["path"], reason)
            _check_is_there(file["path"], "plan_extraction")
            rejected[_place_on(file, plan)] = str(reason)
            all_read = False
    return marked, all_read


def _extract_mask(
    union: np.ndarray,
    all_read: bool,
    plan: dict[str, Any],
    geometry: SliceGeometry,
    size: int,
    rejected: dict[str, str],
) -> tuple[np.ndarray | None, bool | None]:
    """Return the mask of a slice in its grid, and whether its mask files mark anything.

    The mask is None if that is nothing or all of the slice. Whether they mark anything is not known
    (None) where no pixel is left, but a file could not be read, or resizing lost all pixels.
    """
    if not union.any():
        return None, False if all_read else None
    mask = resize_to_grid(union, geometry, size)
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
