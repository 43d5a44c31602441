"""Extracts the planned slices of one patient: pixels and mask, scaled, resized, in one table."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from scripts.cohort.dicom_header import RejectedFile
from scripts.cohort.masks import read_mask
from scripts.cohort.options import ExtractionOptions
from scripts.cohort.pixels import (
    read_hounsfield,
    resize_slice,
    to_standard_orientation,
    to_unit_range,
)
from scripts.image_table import ROWS_PER_GROUP, TableWriter, image_field

logger = logging.getLogger(__name__)


def slices_schema(image_size: int) -> pa.Schema:
    """Return the schema of slices/<patient>.parquet."""
    shape = (image_size, image_size)
    return pa.schema(
        [
            pa.field("slice_id", pa.string(), nullable=False),
            pa.field("patient_id", pa.string(), nullable=False),
            pa.field("label", pa.int8(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("sampled", pa.bool_(), nullable=False),
            pa.field("annotated", pa.bool_(), nullable=False),
            image_field("image", shape, "float32"),
            image_field("mask", shape, "bool", nullable=True),
        ]
    )


def extract_slices(
    patient_id: str,
    split: str,
    planned: Sequence[dict],
    options: ExtractionOptions,
    path: str | os.PathLike,
) -> dict[str, str]:
    """Write slices/<patient>.parquet from a plan (`plan_patient`).

    Args:
        patient_id: The patient, as all later tables name it.
        split: "train" or "test".
        planned: Rows of the plan.
        options: Size and window of the slices.
        path: The table to write.

    Returns:
        Path of every file that could not be used, with the reason; the rest goes on.
    """
    rejected: dict[str, str] = {}
    with TableWriter(path, slices_schema(options.image_size)) as writer:
        for start in range(0, len(planned), ROWS_PER_GROUP):
            rows = [
                row
                for plan in planned[start : start + ROWS_PER_GROUP]
                if (row := _extract_slice(plan, options, rejected)) is not None
            ]
            if not rows:
                continue
            columns = {name: [row[name] for row in rows] for name in rows[0]}
            columns["patient_id"] = [patient_id] * len(rows)
            columns["split"] = [split] * len(rows)
            columns["image"] = np.stack(columns["image"])
            writer.write(columns)
    for file, reason in rejected.items():
        logger.warning("set aside %s: %s", file, reason)
    return rejected


def _extract_slice(plan: dict, options: ExtractionOptions, rejected: dict[str, str]) -> dict | None:
    try:
        hounsfield, dataset = read_hounsfield(plan["path"])
        orientation = np.float64(dataset.ImageOrientationPatient)
        spacing = _spacing(dataset.PixelSpacing, orientation)
        scaled = to_unit_range(hounsfield, options.hu_window)
        if scaled.min() == scaled.max():
            raise RejectedFile("image is constant within cohort.hu_window")
        scaled = to_standard_orientation(scaled, orientation)
        image = resize_slice(scaled, spacing, options.image_size)
    except RejectedFile as reason:
        rejected[plan["path"]] = str(reason)
        return None
    mask = None
    if plan["mask"] is not None:
        try:
            mask = _extract_mask(plan["mask"]["path"], dataset, spacing, options.image_size)
        except RejectedFile as reason:
            rejected[plan["mask"]["path"]] = str(reason)
            if not plan["sampled"]:
                return None
    return {
        "slice_id": plan["slice_id"],
        "label": plan["label"],
        "sampled": plan["sampled"],
        "annotated": mask is not None,
        "image": image,
        "mask": mask,
    }


def _spacing(pixel_spacing: Sequence[float], orientation: np.ndarray) -> tuple[float, float]:
    """Return mm between rows and between columns after `to_standard_orientation`."""
    between_rows, between_columns = map(float, pixel_spacing)
    if abs(orientation[0]) < abs(orientation[1]):
        return between_columns, between_rows
    return between_rows, between_columns


def _extract_mask(
    path: str, dataset: object, spacing: tuple[float, float], size: int
) -> np.ndarray:
    stored = read_mask(path, dataset)
    if stored.shape != (dataset.Rows, dataset.Columns):
        raise RejectedFile(f"mask has shape {stored.shape}, its slice another")
    oriented = to_standard_orientation(stored, np.float64(dataset.ImageOrientationPatient))
    mask = resize_slice(np.ascontiguousarray(oriented), spacing, size)
    if not mask.any():
        raise RejectedFile("mask is empty after resizing to cohort.image_size")
    return mask
