"""Chooses the slices of the cohort among the headers read, and says why others are left out."""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pyarrow as pa

from ct_importance.cohort.dicom.decoding import pixel_data_digest
from ct_importance.cohort.dicom.header import SliceHeader
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import (
    iterate_shared,
    series_of,
    volume_slice_id,
    write_index,
    write_rejected,
)
from ct_importance.cohort.volume.slices import volume_digest
from ct_importance.errors import InputError
from ct_importance.io.image_table import write_table

logger = logging.getLogger(__name__)

Rejected = dict[str, str]
"""File that is set aside -> the reason."""
HEADER_FIELDS = tuple(field.name for field in fields(SliceHeader))
SERIES_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("patient_id", pa.string()),
        ("series_uid", pa.string()),
        ("slices", pa.int32()),
        ("rows", pa.int32()),
        ("columns", pa.int32()),
        ("lowest_position", pa.float64()),
        ("highest_position", pa.float64()),
    ]
)
PAIRS_SCHEMA = pa.schema([("patient_id", pa.string()), ("other_patient_id", pa.string())])


@dataclass
class CohortIndex:
    """What the datasets of a cohort hold."""

    slices: list[SliceHeader]
    """Axial CT slices by patient, series and position; each slice_id once."""
    rejected: Rejected
    same_person: set[tuple[str, str]]
    """Pairs of patient ids under which one slice was found, be it stored differently."""


def write_cohort_index(
    header_tables: Sequence[str | os.PathLike],
    slices: str | os.PathLike,
    series: str | os.PathLike,
    same_person: str | os.PathLike,
    rejected: str | os.PathLike,
) -> None:
    """Write the index of the cohort (`index_cohort`).

    Args:
        header_tables: A table of headers per dataset.
        slices: Table to write of the slices (`slice_entry.INDEX_SCHEMA`).
        series: Of their series (`SERIES_SCHEMA`).
        same_person: Of the pairs of patient ids that share a slice (`PAIRS_SCHEMA`).
        rejected: Of the files set aside, with the reason.

    Raises:
        InputError: If no file of a dataset is an axial CT slice.
    """
    index = index_cohort(header_tables)
    write_index(slices, index.slices)
    write_rejected(rejected, index.rejected)
    found = series_of(index.slices)
    columns = {
        "dataset": [slices[0].dataset for slices in found.values()],
        "patient_id": [patient_id for patient_id, _ in found],
        "series_uid": [series_uid for _, series_uid in found],
        "slices": [len(slices) for slices in found.values()],
        "rows": [slices[0].rows for slices in found.values()],
        "columns": [slices[0].columns for slices in found.values()],
        "lowest_position": [slices[0].position for slices in found.values()],
        "highest_position": [slices[-1].position for slices in found.values()],
    }
    write_table(series, SERIES_SCHEMA, columns)
    pairs = sorted(index.same_person)
    columns = {
        "patient_id": [one for one, _ in pairs],
        "other_patient_id": [other for _, other in pairs],
    }
    write_table(same_person, PAIRS_SCHEMA, columns)
    logger.info(
        "%d slices of %d series; set aside %d", len(index.slices), len(found), len(index.rejected)
    )


def index_cohort(header_tables: Sequence[str | os.PathLike]) -> CohortIndex:
    """Return the axial CT slices of the datasets, and the files set aside.

    A patient id that an earlier dataset uses gets the name of its dataset in front.

    Args:
        header_tables: A table of headers (`ct_importance.cohort.headers`) per dataset.

    Raises:
        InputError: If no file of a dataset is an axial CT slice.
    """
    headers: list[SliceHeader] = []
    rejected: Rejected = {}
    patients: set[str] = set()
    volumes: set[str] = set()
    for table in header_tables:
        set_aside: Rejected = {}
        found = list(_read_headers(table, set_aside))
        if not found:
            raise InputError(_nothing_found(Path(table).stem, set_aside))
        rejected |= set_aside
        found = _tell_volumes_apart(_tell_patients_apart(found, patients), volumes)
        patients |= {header.patient_id for header in found}
        volumes |= {header.series_uid for header in found if header.frame is not None}
        headers += sorted(found, key=_file_order)
    headers, same_person = _drop_exact_copies(headers, rejected)
    headers, same_id = _drop_reused_ids(headers, rejected)
    for keep in (_drop_mixed_geometry, _drop_repeated_energy):
        headers = keep(headers, rejected)
    # Two datasets may share a folder: a file that one of them uses is not set aside.
    for header in headers:
        rejected.pop(header.path, None)
    return CohortIndex(sorted(headers, key=_reading_order), rejected, same_person | same_id)


def _read_headers(table: str | os.PathLike, rejected: Rejected) -> Iterator[SliceHeader]:
    for row in iterate_shared(table, ["file", "reason", *HEADER_FIELDS]):
        path, reason = row.pop("file"), row.pop("reason")
        if reason is not None:
            rejected[path] = reason
        else:
            yield SliceHeader(**row)


def _tell_patients_apart(headers: list[SliceHeader], taken: set[str]) -> list[SliceHeader]:
    if not any(header.patient_id in taken for header in headers):
        return headers
    names = {
        header.patient_id: f"{header.dataset}-{header.patient_id}"
        for header in headers
        if header.patient_id in taken
    }
    logger.info(
        "%s: %d patient ids of an earlier dataset come again; they are named %s-<id>",
        headers[0].dataset,
        len(names),
        headers[0].dataset,
    )
    clash = sorted(set(names.values()) & (taken | {header.patient_id for header in headers}))
    if clash:
        raise InputError(
            f"patient id {clash[0]} comes twice: rename the dataset in cohort.datasets"
        )
    return [
        replace(header, patient_id=names.get(header.patient_id, header.patient_id))
        for header in headers
    ]


def _tell_volumes_apart(headers: list[SliceHeader], taken: set[str]) -> list[SliceHeader]:
    """Put the name of the dataset in front of volumes that are named as those of another."""
    volumes = {header.series_uid: header.dataset for header in headers if header.frame is not None}
    names = {name: f"{dataset}-{name}" for name, dataset in volumes.items() if name in taken}
    clash = sorted(set(names.values()) & (taken | volumes.keys()))
    if clash:
        raise InputError(f"volume {clash[0]} comes twice: rename the dataset in cohort.datasets")
    return [
        replace(
            header,
            series_uid=(name := names[header.series_uid]),
            study_uid=name,
            slice_id=volume_slice_id(name, header.frame),
        )
        if header.frame is not None and header.series_uid in names
        else header
        for header in headers
    ]


def _nothing_found(dataset: str, rejected: Rejected) -> str:
    reasons = ", ".join(f"{n} {reason}" for reason, n in Counter(rejected.values()).most_common(5))
    return (
        f"no axial CT slice in the folders of cohort.datasets.{dataset} ({len(rejected)} files: "
        f"{reasons or 'they are empty'}); check its folders and data_dir"
    )


def _file_order(header: SliceHeader) -> tuple:
    return header.path, header.frame or 0


def _reading_order(header: SliceHeader) -> tuple:
    return header.patient_id, header.series_uid, header.position, header.slice_id


def _drop_exact_copies(
    headers: list[SliceHeader], rejected: Rejected
) -> tuple[list[SliceHeader], set[tuple[str, str]]]:
    """Keep the first of slices whose stored pixels are equal, whatever their names."""
    alike = defaultdict(list)
    for header in headers:
        alike[header.fingerprint].append(header)
    kept, same_person = [], set()
    for group in alike.values():
        first_by_digest: dict[str, SliceHeader] = {}
        for header in group:
            digest = _pixel_digest(header) if len(group) > 1 else ""
            # Blank slices of different patients are equal without being copies.
            first = header if digest is None else first_by_digest.setdefault(digest, header)
            if first is header:
                kept.append(header)
            else:
                rejected[header.place] = f"exact copy of {first.place}"
                if header.patient_id != first.patient_id:
                    same_person.add((first.patient_id, header.patient_id))
    return kept, same_person


def _pixel_digest(header: SliceHeader) -> str | None:
    if header.frame is None:
        return pixel_data_digest(header.path)
    try:
        return volume_digest(header.path, header.frame)
    except RejectedFile:
        # It may be gone by now, as a DICOM file may: who wants its pixels will be told.
        return None


def _drop_reused_ids(
    headers: list[SliceHeader], rejected: Rejected
) -> tuple[list[SliceHeader], set[tuple[str, str]]]:
    """Keep the first of slices with one id: most often one image, compressed in several ways."""
    first_by_id: dict[str, SliceHeader] = {}
    same_person = set()
    for header in headers:
        first = first_by_id.setdefault(header.slice_id, header)
        if first is header:
            continue
        reason = f"has the SOPInstanceUID of {first.path}, stored differently"
        rejected[header.place] = reason
        if header.patient_id != first.patient_id:
            same_person.add((first.patient_id, header.patient_id))
    return list(first_by_id.values()), same_person


def _drop_mixed_geometry(headers: list[SliceHeader], rejected: Rejected) -> list[SliceHeader]:
    """Keep one orientation and matrix per series, and one slice per position."""
    kept = []
    for series in series_of(headers).values():
        shapes = Counter(_grid(header) for header in series)
        usual = max(shapes, key=lambda shape: (shapes[shape], shape))
        first_by_position: dict[float, SliceHeader] = {}
        for header in sorted(series, key=_taken_order):
            if _grid(header) != usual:
                rejected[header.place] = "orientation or matrix differs from the rest of the series"
            elif round(header.position, 2) in first_by_position:
                rejected[header.place] = (
                    "second slice of its series at one position (multi-energy or repeated)"
                )
            else:
                first_by_position[round(header.position, 2)] = header
        kept += first_by_position.values()
    return kept


def _grid(header: SliceHeader) -> tuple:
    cosines = tuple(round(cosine, 2) + 0.0 for cosine in header.orientation)
    return header.rows, header.columns, cosines


def _taken_order(header: SliceHeader) -> tuple:
    return -header.kvp, header.acquisition, header.instance_number, header.slice_id


def _drop_repeated_energy(headers: list[SliceHeader], rejected: Rejected) -> list[SliceHeader]:
    """Keep the highest tube voltage of series taken at once at the same positions.

    Scans of which the header does not say when they were taken may be of different phases.
    """
    at_once = defaultdict(list)
    for series in series_of(headers).values():
        first = series[0]
        positions = tuple(sorted(round(header.position, 1) for header in series))
        key = (first.patient_id, first.study_uid, first.frame_of_reference, first.acquisition)
        at_once[(*key, positions)].append(series)
    kept = []
    for group in at_once.values():
        highest = max(series[0].kvp for series in group)
        for series in group:
            known = series[0].frame_of_reference and series[0].acquisition
            if series[0].kvp == highest or not known:
                kept += series
            else:
                for header in series:
                    rejected[header.place] = "multi-energy copy: lower tube voltage of one scan"
    return kept
