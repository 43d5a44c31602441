"""Makes the index of the cohort out of the headers of its datasets."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import pyarrow as pa

from ct_importance.cohort.dicom.header import SliceHeader
from ct_importance.cohort.duplicates import set_aside_duplicates
from ct_importance.cohort.rejection import Rejected
from ct_importance.cohort.slice_entry import (
    iterate_shared,
    series_of,
    volume_slice_id,
    write_index,
    write_rejected,
)
from ct_importance.errors import InputError
from ct_importance.io.image_table import write_table
from ct_importance.io.paths import StrPath

logger = logging.getLogger(__name__)

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
    header_tables: Sequence[StrPath],
    slices: StrPath,
    series: StrPath,
    same_person: StrPath,
    rejected: StrPath,
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


def index_cohort(header_tables: Sequence[StrPath]) -> CohortIndex:
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
    headers, same_person = set_aside_duplicates(headers, rejected)
    # Two datasets may share a folder: a file that one of them uses is not set aside.
    for header in headers:
        rejected.pop(header.path, None)
    return CohortIndex(sorted(headers, key=_reading_order), rejected, same_person)


def _read_headers(table: StrPath, rejected: Rejected) -> Iterator[SliceHeader]:
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


def _file_order(header: SliceHeader) -> tuple[str, int]:
    return header.path, header.frame or 0


def _reading_order(header: SliceHeader) -> tuple[str, str, float, str]:
    return header.patient_id, header.series_uid, header.position, header.slice_id
