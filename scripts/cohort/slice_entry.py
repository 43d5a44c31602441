"""One line of the cohort's index: what later steps know of a slice without opening its file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from scripts.cohort.geometry import SliceGeometry
from scripts.image_table import write_table


@dataclass(frozen=True, slots=True)
class SliceEntry:
    """An axial CT slice. No free text of the header is kept: it could name the patient."""

    dataset: str
    """Name of the dataset in the configuration, or "phantom"."""
    slice_id: str
    """SOP instance UID, or series and number of a slice of a volume."""
    series_uid: str
    """Series instance UID, or the name of the volume's file without its suffix."""
    study_uid: str
    patient_id: str
    path: str
    frame: int | None
    """Number of the slice in its volume; None for a file with one slice."""
    rows: int
    columns: int
    origin: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, float]
    position: float
    """Millimetres along the normal of the slice, rising towards the head."""
    contrast_tag: str
    """ContrastBolusAgent: "absent", "empty", "none" (names no agent) or "agent"."""
    description_label: int | None
    """What Study- and SeriesDescription say: 1, 0 or None."""

    @property
    def series(self) -> tuple[str, str]:
        """Patient and series: a copy of a series under another patient's name is another one."""
        return self.patient_id, self.series_uid

    @property
    def geometry(self) -> SliceGeometry:
        """Where the pixels lie in the patient."""
        return SliceGeometry(self.rows, self.columns, self.origin, self.orientation, self.spacing)


INDEX_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("slice_id", pa.string()),
        ("series_uid", pa.string()),
        ("study_uid", pa.string()),
        ("patient_id", pa.string()),
        ("path", pa.string()),
        ("frame", pa.int32()),
        ("rows", pa.int32()),
        ("columns", pa.int32()),
        ("origin", pa.list_(pa.float64(), 3)),
        ("orientation", pa.list_(pa.float64(), 6)),
        ("spacing", pa.list_(pa.float64(), 2)),
        ("position", pa.float64()),
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
    rows = pq.read_table(path).to_pylist()
    for row in rows:
        row |= {name: tuple(row[name]) for name in ("origin", "orientation", "spacing")}
    return [SliceEntry(**row) for row in rows]


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


def place_of(entry: SliceEntry) -> str:
    """Return where a slice is stored: its file, and its number in a volume."""
    return entry.path if entry.frame is None else f"{entry.path}, slice {entry.frame}"


def series_of(entries: Sequence[SliceEntry]) -> dict[tuple[str, str], list[SliceEntry]]:
    """Group slices by patient and series, in the order in which they come."""
    series: dict[tuple[str, str], list[SliceEntry]] = {}
    for entry in entries:
        series.setdefault(entry.series, []).append(entry)
    return series
