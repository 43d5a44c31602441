"""One line of the cohort's index: what later steps know of a slice without opening its file."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.io.image_table import write_table
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import open_table, read_table


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
    frame_of_reference: str
    """FrameOfReferenceUID; "" without one, as in a volume."""
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
    """ContrastBolusAgent: "absent", "empty", "none" (names no agent) or "agent"; "unknown" in
    a volume."""
    description_label: int | None
    """What Study- and SeriesDescription say: 1, 0 or None."""

    @property
    def series(self) -> tuple[str, str]:
        """Patient and series: a copy of a series under another patient's name is another one."""
        return self.patient_id, self.series_uid

    @property
    def place(self) -> str:
        """Where the slice is stored, for people to read."""
        return place_of(self.path, self.frame)

    @property
    def geometry(self) -> SliceGeometry:
        """Where the pixels lie in the patient."""
        return SliceGeometry(self.rows, self.columns, self.origin, self.orientation, self.spacing)


Slice = TypeVar("Slice", bound=SliceEntry)

INDEX_SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("slice_id", pa.string()),
        ("series_uid", pa.string()),
        ("study_uid", pa.string()),
        ("frame_of_reference", pa.string()),
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
UNIQUE = ("slice_id", "fingerprint")
"""Columns whose values hardly come twice."""
ON_SLICE = ", on slice "
"""Stands in the list of what was set aside between a mask and the slice that it is of no use to."""
REJECTED_SCHEMA = pa.schema([("path", pa.string()), ("reason", pa.string())])


def write_index(path: StrPath, entries: Sequence[SliceEntry]) -> None:
    """Write the index of the cohort, a row per slice."""
    names = INDEX_SCHEMA.names
    columns = {name: [getattr(entry, name) for entry in entries] for name in names}
    write_table(path, INDEX_SCHEMA, columns)


def read_index(path: StrPath) -> list[SliceEntry]:
    """Read what `write_index` wrote."""
    return [SliceEntry(**row) for row in iterate_shared(path, INDEX_SCHEMA.names)]


def iterate_shared(path: StrPath, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table; texts and tuples that come often are kept in memory once."""
    once: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    with open_table(path) as file:
        for batch in file.iter_batches(columns=list(columns)):
            for row in batch.to_pylist():
                for name, value in row.items():
                    if isinstance(value, list):
                        row[name] = once.setdefault(tuple(value), tuple(value))
                    elif isinstance(value, str) and name not in UNIQUE:
                        row[name] = sys.intern(value)
                yield row


def write_rejected(path: StrPath, rejected: dict[str, str]) -> None:
    """Write the files set aside (path -> reason), sorted by path.

    Bytes of a path that are not UTF-8 are written as escapes.
    """
    rows = sorted(rejected.items())
    columns = {
        "path": [as_text(file) for file, _ in rows],
        "reason": [reason for _, reason in rows],
    }
    write_table(path, REJECTED_SCHEMA, columns)


def read_rejected(path: StrPath) -> dict[str, str]:
    """Read what `write_rejected` wrote: path -> reason."""
    return {row["path"]: row["reason"] for row in read_table(path).to_pylist()}


def join_rejected(path: StrPath, tables: Sequence[StrPath]) -> None:
    """Write one table of the files set aside out of several; of one file the last counts."""
    rejected: dict[str, str] = {}
    for table in tables:
        rejected |= read_rejected(table)
    write_rejected(path, rejected)


def volume_slice_id(name: str, frame: int) -> str:
    """Return the id of a slice of a volume, which has no UID.

    Example:
        >>> volume_slice_id("patient1", 7)
        'patient1-0007'
    """
    return f"{name}-{frame:04d}"


def place_of(path: str, frame: int | None) -> str:
    """Return where a slice is stored: its file, and its number in a volume."""
    return path if frame is None else f"{path}, slice {frame}"


def as_text(path: str) -> str:
    """Return a path as a table can hold it; Python marks bytes that are not UTF-8."""
    return path.encode("utf-8", "backslashreplace").decode()


def id_of(text: str) -> str:
    """Return an id or file name in the form in which all of them are compared (NFC).

    Some systems write an accented letter as one character, others as a letter and an accent.
    """
    return unicodedata.normalize("NFC", text)


def series_of(entries: Sequence[Slice]) -> dict[tuple[str, str], list[Slice]]:
    """Group slices by patient and series, in the order in which they come."""
    series: dict[tuple[str, str], list[Slice]] = {}
    for entry in entries:
        series.setdefault(entry.series, []).append(entry)
    return series
