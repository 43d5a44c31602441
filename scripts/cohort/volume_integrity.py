"""Finds damage in the data of NRRD and MetaImage volumes that ITK passes over in silence."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

from scripts.cohort.volume_parts import METAIMAGE_SUFFIXES, header_fields, parts_of

BLOCK_BYTES = 1 << 16
ZLIB_OR_GZIP = 47  # window bits of zlib
SKIPS = {"line skip", "lineskip", "byte skip", "byteskip"}


def read_to_end(file: gzip.GzipFile) -> None:
    """Unzip what is left of a file, up to the checksum at its end.

    Raises:
        OSError, EOFError, zlib.error: If it is damaged or cut short.
    """
    while file.read(BLOCK_BYTES):
        pass


def read_through(path: str | os.PathLike) -> None:
    """Read the files of a volume as mere bytes.

    Raises:
        OSError: If the system refuses to, or the disk fails.
    """
    for part in filter(os.path.isfile, parts_of(path)):
        with open(part, "rb") as file:
            while file.read(BLOCK_BYTES):
                pass


def check_zipped_data(path: Path) -> None:
    """Unzip the data of an NRRD or MetaImage header, if they are zipped.

    Raises:
        OSError, EOFError, zlib.error: If they are damaged or cut short.
    """
    fields, _ = header_fields(path)
    is_zipped_nrrd = fields.get("encoding", "").lower() in ("gz", "gzip")
    if is_zipped_nrrd and not fields.keys() & SKIPS:
        data, start = _data_of(path)
        with open(data, "rb") as file:
            file.seek(start)
            with gzip.open(file) as unzipped:
                read_to_end(unzipped)
    if _is_zipped_metaimage(fields):
        _check_zlib(*_data_of(path))


def has_plain_data(path: Path) -> bool:
    """Tell whether the voxels of a MetaImage lie in its data file as they are in memory."""
    if path.suffix.lower() not in METAIMAGE_SUFFIXES:
        return False
    fields, _ = header_fields(path)
    return not _is_zipped_metaimage(fields) and fields.get("binarydata", "").lower() != "false"


def check_length(path: Path, needed: int) -> None:
    """Check that the data of a volume have some number of bytes.

    Raises:
        EOFError: If they fall short.
    """
    data, start = _data_of(path)
    if os.path.getsize(data) - start < needed:
        raise EOFError


def _is_zipped_metaimage(fields: dict[str, str]) -> bool:
    return fields.get("compresseddata", "").lower() == "true"


def _data_of(path: Path) -> tuple[Path, int]:
    """Return the file with the data of a header, and the byte where they start."""
    data = parts_of(path)[-1]
    return data, header_fields(path)[1] if data == path else 0


def _check_zlib(path: Path, start: int) -> None:
    unzip = zlib.decompressobj(ZLIB_OR_GZIP)
    with open(path, "rb") as file:
        file.seek(start)
        while not unzip.eof:
            block = file.read(BLOCK_BYTES)
            if not block:
                raise EOFError
            unzip.decompress(block)
