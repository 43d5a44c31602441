"""Writes maps as files that radiologists open: NIfTI, DICOM Parametric Maps, DICOM SEG."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort.plan.selection import file_name_of
from ct_importance.cohort.slice_entry import SliceEntry, read_index, series_of
from ct_importance.compute.progress import progress
from ct_importance.errors import InputError
from ct_importance.io.atomic import write_text
from ct_importance.io.image_table import read_rows
from ct_importance.io.paths import StrPath
from ct_importance.report.export.source import grids_of, in_source_grid, thickness_of, top_region
from ct_importance.report.jobs import ExportJob

logger = logging.getLogger(__name__)

COLUMNS = ("file", "patient_id", "series_uid", "holds", "slices", "slice_ids")
Found = dict[str, NDArray[np.float32]]
"""Maps (rows, columns) in the grid of their slices, by slice id."""
Written = dict[str, Any]
"""A row of files.csv."""


def export_maps(job: ExportJob, maps: StrPath, index: StrPath, folder: StrPath) -> None:
    """Write the maps of one estimator, series by series.

    Args:
        job: What is written, and how it is called.
        maps: The estimator's table.
        index: The index of the cohort, which knows where slices lie.
        folder: New folder: a folder per patient, and files.csv, which lists the files.

    Raises:
        InputError: If a slice with a map is not in the index.
    """
    entries = read_index(index)
    rows_of_maps = read_rows(maps, ["slice_id", "importance"])
    found: Found = {row["slice_id"]: row["importance"] for row in rows_of_maps}
    known = {entry.slice_id for entry in entries}
    if missing := sorted(found.keys() - known):
        raise InputError(f"{maps}: slice {missing[0]} is not in {index}; delete it and run again")
    series = {
        key: those
        for key, those in series_of(entries).items()
        if any(entry.slice_id in found for entry in those)
    }
    folder = Path(folder)
    rows: list[Written] = []
    what = f"export of {job.estimator}: series"
    for those in progress(series.values(), what, len(series)):
        rows += _write_series(job, those, found, folder)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(folder / "files.csv", text.getvalue())


def _write_series(
    job: ExportJob, entries: Sequence[SliceEntry], maps: Found, folder: Path
) -> Iterator[Written]:
    """Write the files of one series."""
    wanted = sorted(
        (entry for entry in entries if entry.slice_id in maps), key=lambda entry: entry.position
    )
    first = wanted[0]
    place = folder / file_name_of(first.patient_id)
    place.mkdir(parents=True, exist_ok=True)
    stem = file_name_of(first.series_uid)
    in_grid = {it.slice_id: in_source_grid(maps[it.slice_id], it.geometry) for it in wanted}
    if "nifti" in job.formats:
        yield from _write_nifti(entries, wanted, in_grid, place, stem)
    if first.frame is not None or not first.frame_of_reference:
        why = "a volume" if first.frame is not None else "a series without a frame of reference"
        logger.info("%s: no DICOM is written of %s", first.series_uid, why)
        return
    thickness = thickness_of(entries)
    by_size: dict[tuple[int, int], list[SliceEntry]] = {}
    for entry in wanted:
        by_size.setdefault((entry.rows, entry.columns), []).append(entry)
    for number, alike in enumerate(by_size.values(), 1):
        name = place / (stem if number == 1 else f"{stem}_{number}")
        if "parametric_map" in job.formats:
            yield _write_map(job, alike, thickness, in_grid, name)
        if "segmentation" in job.formats:
            yield _write_region(job, alike, thickness, maps, name)


def _write_map(
    job: ExportJob, entries: Sequence[SliceEntry], thickness: float, maps: Found, name: Path
) -> Written:
    from ct_importance.report.export.dicom import parametric_map

    path = name.with_name(f"{name.name}_map.dcm")
    pixels = np.stack([maps[entry.slice_id] for entry in entries])
    parametric_map(entries, thickness, pixels, job.title).save_as(path)
    return _row(path, entries, "map")


def _write_region(
    job: ExportJob, entries: Sequence[SliceEntry], thickness: float, maps: Found, name: Path
) -> Written:
    from ct_importance.report.export.dicom import segmentation

    path = name.with_name(f"{name.name}_top.dcm")
    regions = [
        in_source_grid(top_region(maps[entry.slice_id], job.top), entry.geometry)
        for entry in entries
    ]
    segmentation(entries, thickness, np.stack(regions), job.title, job.region).save_as(path)
    return _row(path, entries, job.region)


def _write_nifti(
    entries: Sequence[SliceEntry],
    wanted: Sequence[SliceEntry],
    maps: Found,
    place: Path,
    stem: str,
) -> Iterator[Written]:
    import nibabel

    grids = grids_of(entries, wanted)
    for grid in grids:
        own = [entry for entry in wanted if entry.slice_id in grid.numbers]
        suffix = "" if len(grids) == 1 else f"_{file_name_of(own[0].slice_id)}"
        path = place / f"{stem}{suffix}.nii.gz"
        volume = grid.volume({entry.slice_id: maps[entry.slice_id] for entry in own})
        image = nibabel.Nifti1Image(volume, grid.affine)
        image.header.set_xyzt_units("mm")
        nibabel.save(image, path)
        yield _row(path, own, "map; not a number where a slice has none")


def _row(path: Path, entries: Sequence[SliceEntry], holds: str) -> Written:
    return {
        "file": f"{path.parent.name}/{path.name}",
        "patient_id": entries[0].patient_id,
        "series_uid": entries[0].series_uid,
        "holds": holds,
        "slices": len(entries),
        "slice_ids": " ".join(entry.slice_id for entry in entries),
    }
