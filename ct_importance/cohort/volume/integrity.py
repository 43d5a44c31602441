"""Finds damage in the data of NRRD and MetaImage volumes that ITK does not report."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import BinaryIO

from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume.header import TOO_MANY, read_promise
from ct_importance.cohort.volume.parts import METAIMAGE_SUFFIXES, SURPLUS_BYTES, is_nrrd, parts_of
from ct_importance.io.paths import StrPath

BLOCK_BYTES = 1 << 16
ZLIB_OR_GZIP = 47  # window bits of zlib


def read_to_end(file: gzip.GzipFile, most: int = SURPLUS_BYTES) -> None:
    """Unzip what is left of a file, up to the checksum at its end.

    Args:
        file: The file.
        most: Bytes that may be left.

    Raises:
        RejectedFile: If more is left.
        OSError, EOFError, zlib.error: If it is damaged or cut short.
    """
    while block := file.read(BLOCK_BYTES):
        most -= len(block)
        if most < 0:
            raise RejectedFile(TOO_MANY)


def read_through(path: StrPath) -> None:
    """Read the files of a volume to the end, so that errors of the disk show.

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
        RejectedFile: If they are more than the header says.
        OSError, EOFError, zlib.error: If they are damaged or cut short.
    """
    promise = read_promise(path)
    if not promise.is_zipped:
        return
    with open(promise.data, "rb") as file:
        file.seek(promise.start)
        most = promise.size + SURPLUS_BYTES
        if is_nrrd(path):
            with gzip.open(file) as unzipped:
                read_to_end(unzipped, most)
        else:
            _check_zlib(file, most)


def has_plain_data(path: Path) -> bool:
    """Tell whether the voxels of a MetaImage lie in its data file as they are in memory."""
    return path.suffix.lower() in METAIMAGE_SUFFIXES and read_promise(path).is_plain


def _check_zlib(file: BinaryIO, most: int) -> None:
    unzip = zlib.decompressobj(ZLIB_OR_GZIP)
    while not unzip.eof:
        block = file.read(BLOCK_BYTES)
        if not block:
            raise EOFError
        most -= len(unzip.decompress(block))
        if most < 0:
            raise RejectedFile(TOO_MANY)
