"""Reads the headers of a dataset into a table, and only those that the table does not hold yet."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa

from ct_importance.cohort.dicom.header import SliceHeader, read_header
from ct_importance.cohort.jobs import HeadersJob
from ct_importance.cohort.pseudonyms import Pseudonyms, read_pseudonyms
from ct_importance.cohort.rejection import CANNOT_BE_OPENED, CRASH, RejectedFile
from ct_importance.cohort.slice_entry import INDEX_SCHEMA, as_text
from ct_importance.cohort.volume.parts import holds_pixels_of_another, parts_of
from ct_importance.cohort.volume.slices import read_patients, read_volume_headers, volume_names
from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.compute.workers import safe_map
from ct_importance.errors import InputError
from ct_importance.io.folders import FileStamp, list_files
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import open_table, open_writer, read_schema

logger = logging.getLogger(__name__)

ROWS_PER_GROUP = 8192
STAMP_FIELDS = [
    ("file", pa.string()),
    ("size", pa.int64()),
    ("modified", pa.int64()),
    ("name", pa.string()),
]
"""What has to be as it was for a file not to be read again; name: that of a volume."""
STAMP_NAMES = [*(name for name, _ in STAMP_FIELDS), "reason"]
HEADER_SCHEMA = pa.schema(
    [
        *STAMP_FIELDS,
        ("reason", pa.string()),
        *INDEX_SCHEMA,
        ("acquisition", pa.string()),
        ("kvp", pa.float64()),
        ("instance_number", pa.int64()),
        ("fingerprint", pa.string()),
    ]
)
"""A row per slice, or per file set aside: then `reason` says why and the rest is null."""

READERS = ("nibabel", "pydicom", "pylibjpeg", "SimpleITK")
"""Libraries that decide how a file is read."""

Read = Callable[[str], list[SliceHeader]]


@dataclass(frozen=True)
class ImageSource:
    """What is read of a dataset."""

    dataset: str
    folders: Sequence[StrPath]
    are_volumes: bool = False
    """NIfTI, MetaImage or NRRD files; otherwise DICOM."""
    keep_derived: bool = False
    patients_csv: StrPath | None = None
    """CSV with the columns file and patient_id, for volumes."""
    pseudonyms: Pseudonyms | None = None


def read_headers(job: HeadersJob, headers: StrPath, workers: int = 1) -> None:
    """Write the headers of a dataset; files that did not change are not read again.

    Args:
        job: What is read.
        headers: The table (`update_headers`); what it knows already is kept.
        workers: Processes that read headers.

    Raises:
        InputError: As `update_headers`, or if the secret of pseudonyms is of no use.
    """
    source = ImageSource(
        dataset=job.dataset,
        folders=job.folders,
        are_volumes=job.are_volumes,
        keep_derived=job.keep_derived,
        patients_csv=job.patients_csv,
        pseudonyms=read_pseudonyms(job.pseudonym_key),
    )
    update_headers(source, headers, version_of(job), workers)


def version_of(job: HeadersJob) -> str:
    """Return a digest of what decides how a file is read."""
    libraries = [f"{name} {metadata.version(name)}" for name in READERS]
    options = [job.code, job.are_volumes, job.keep_derived, *libraries]
    digest = hashlib.blake2b(json.dumps(options).encode(), digest_size=16)
    for path in filter(None, [job.patients_csv, job.pseudonym_key]):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()


def update_headers(source: ImageSource, path: StrPath, version: str = "", workers: int = 1) -> None:
    """Write the table of headers of a dataset (`HEADER_SCHEMA`).

    Args:
        source: What is read.
        path: The table. If it exists, files whose size and time are as it says are not read again.
        version: What decides how a file is read, options and code; a table of another version is
            not used.
        workers: Processes that read headers.

    Raises:
        InputError: If a folder is missing or cannot be read, or the CSV is not as it should be.
    """
    listed, names = _list(source)
    read = _reader(source, listed, names)
    stamps = {stamp.path: stamp for stamp in listed}
    if source.pseudonyms:
        names = {file: source.pseudonyms.of(name) for file, name in names.items()}
    known = _known_tables(path, version)
    old = {file for table in known(STAMP_NAMES) for file in _unchanged(table, stamps, names)}
    new = [stamp for stamp in stamps.values() if stamp.path not in old]
    logger.info("%d files: %d known, %d to be read", len(stamps), len(old), len(new))
    schema = HEADER_SCHEMA.with_metadata({"version": version})
    with open_writer(path, schema) as writer:
        for table in known(HEADER_SCHEMA.names):
            keep = [file in old for file in table.column("file").to_pylist()]
            writer.write_table(table.filter(pa.array(keep, pa.bool_())).cast(schema))
        rows = _rows(source, new, names, read, workers)
        for group in in_chunks(rows, ROWS_PER_GROUP):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def _list(source: ImageSource) -> tuple[list[FileStamp], dict[str, str]]:
    """Return the files of a dataset, and the name of each volume among them."""
    stamps = list_files(source.folders, f"cohort.datasets.{source.dataset}")
    if not source.are_volumes:
        return stamps, {}
    paths = {stamp.path for stamp in stamps}
    stamps = [
        _with_pixels(stamp) for stamp in stamps if not holds_pixels_of_another(stamp.path, paths)
    ]
    return stamps, volume_names([stamp.path for stamp in stamps])


def _with_pixels(stamp: FileStamp) -> FileStamp:
    """Return the stamp of a volume with the file that holds its pixels."""
    parts = [part for part in parts_of(stamp.path)[1:] if part.is_file()]
    stamps = [stamp, *(FileStamp("", it.st_size, it.st_mtime_ns) for it in map(os.stat, parts))]
    return FileStamp(stamp.path, sum(it.size for it in stamps), max(it.modified for it in stamps))


def _reader(source: ImageSource, stamps: list[FileStamp], names: dict[str, str]) -> Read:
    if not source.are_volumes:
        return partial(_read_dicom, keep_derived=source.keep_derived)
    patients = None
    if source.patients_csv:
        patients = read_patients(source.patients_csv, [stamp.path for stamp in stamps])
    return partial(read_volume_headers, names=names, patients=patients)


def _read_dicom(path: str, keep_derived: bool) -> list[SliceHeader]:
    return [read_header(path, keep_derived)]


def _known_tables(path: StrPath, version: str) -> Callable[[list[str]], Iterator[pa.Table]]:
    """Return what yields some columns of the table of the last time, a part at a time."""
    if _version_of(path) != version.encode():
        return lambda columns: iter(())

    def tables(columns: list[str]) -> Iterator[pa.Table]:
        with open_table(path) as file:
            for batch in file.iter_batches(ROWS_PER_GROUP, columns=columns):
                yield pa.Table.from_batches([batch])

    return tables


def _version_of(path: StrPath) -> bytes | None:
    """Return the version of a table; None if there is none, or none that can be read."""
    try:
        return (read_schema(path).metadata or {}).get(b"version")
    except FileNotFoundError:
        return None
    except InputError as error:
        # A power failure can leave an empty or damaged file.
        logger.warning("%s; all headers are read again", error)
        return None


def _unchanged(
    known: pa.Table, stamps: dict[str, FileStamp], names: dict[str, str]
) -> Iterator[str]:
    """Yield the files of a table that are still as it says.

    Whether a file can be opened can change without a trace, so those that could not are left out.
    """
    for row in known.to_pylist():
        stamp = stamps.get(row["file"])
        if stamp is None or (row["reason"] or "").startswith(CANNOT_BE_OPENED):
            continue
        now = (stamp.size, stamp.modified, names.get(stamp.path))
        if now == (row["size"], row["modified"], row["name"]):
            yield stamp.path


def _rows(
    source: ImageSource,
    stamps: list[FileStamp],
    names: dict[str, str],
    read: Read,
    workers: int,
) -> Iterator[dict[str, Any]]:
    what = f"{source.dataset}: headers"
    for stamp, found in zip(
        stamps, progress(_read_all(stamps, read, workers), what, len(stamps)), strict=True
    ):
        common = {
            "file": as_text(stamp.path),
            "size": stamp.size,
            "modified": stamp.modified,
            "name": as_text(names[stamp.path]) if stamp.path in names else None,
        }
        if isinstance(found, str):
            yield common | {"reason": found, "dataset": source.dataset}
            continue
        for header in found:
            named = replace(header, dataset=source.dataset)
            if source.pseudonyms:
                named = source.pseudonyms.of_header(named)
            yield common | asdict(named)


def _read_all(
    stamps: list[FileStamp], read: Read, workers: int
) -> Iterator[list[SliceHeader] | str]:
    paths = [stamp.path for stamp in stamps]
    attempt = partial(_read_or_reject, read=read)
    # In other processes even if it is one: a file may crash a library.
    return safe_map(attempt, paths, lambda _: CRASH, workers, chunksize=64)


def _read_or_reject(path: str, read: Read) -> list[SliceHeader] | str:
    try:
        path.encode()
    except UnicodeEncodeError:
        return "file name is not UTF-8: rename the file or its folder"
    try:
        return read(path)
    except RejectedFile as reason:
        return str(reason)
