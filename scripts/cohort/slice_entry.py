"""One line of the cohort's index: what later steps know of a slice without opening its file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.image_table import write_table


@dataclass(frozen=True)
class SliceEntry:
    """An axial CT slice. No free text of the header is kept: it could name the patient."""

    slice_id: str
    """SOP instance UID."""
    series_uid: str
    study_uid: str
    patient_id: str
    path: str
    position: float
    """Millimetres along the normal of the slice, rising towards the head."""
    rows: int
    columns: int
    contrast_tag: str
    """ContrastBolusAgent: "absent", "empty", "none" (names no agent) or "agent"."""
    description_label: int | None
    """What Study- and SeriesDescription say: 1, 0 or None."""

    @property
    def series(self) -> tuple[str, str]:
        """Patient and series: a copy of a series under another patient's name is another one."""
        return self.patient_id, self.series_uid


INDEX_SCHEMA = pa.schema(
    [
        ("slice_id", pa.string()),
        ("series_uid", pa.string()),
        ("study_uid", pa.string()),
        ("patient_id", pa.string()),
        ("path", pa.string()),
        ("position", pa.float64()),
        ("rows", pa.int32()),
        ("columns", pa.int32()),
        ("contrast_tag", pa.string()),
        ("description_label", pa.int8()),
    ]
)
REJECTED_SCHEMA = pa.schema([("path", pa.string()), ("reason", pa.string())])


def write_index(path: str | os.PathLike, entries: Sequence[SliceEntry]) -> None:
    """Write the index of the cohort, a row per slice."""
    names = INDEX_SCHEMA.names
    columns = {name: [getattr(entry, name) for entry in entries] for name in names}
    write_table(path, INDEX_SCHEMA, columns)


def read_index(path: str | os.PathLike) -> list[SliceEntry]:
    """Read what `write_index` wrote."""
    return [SliceEntry(**row) for row in pq.read_table(path).to_pylist()]


def write_rejected(path: str | os.PathLike, rejected: dict[str, str]) -> None:
    """Write the files set aside (path -> reason), sorted by path.

    Bytes of a path that are not UTF-8 are written as escapes.
    """
    rows = sorted(rejected.items())
    columns = {
        "path": [file.encode("utf-8", "backslashreplace").decode() for file, _ in rows],
        "reason": [reason for _, reason in rows],
    }
    write_table(path, REJECTED_SCHEMA, columns)


def series_of(entries: Sequence[SliceEntry]) -> dict[tuple[str, str], list[SliceEntry]]:
    """Group slices by patient and series, in the order in which they come."""
    series: dict[tuple[str, str], list[SliceEntry]] = {}
    for entry in entries:
        series.setdefault(entry.series, []).append(entry)
    return series
