"""Opens a DICOM file, reads what stands before its pixels, and turns every error into a reason."""

from __future__ import annotations

import errno
import logging
import os
import stat
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from scripts.cohort.dicom_values import TAGS, HeaderValueError, HeaderValues
from scripts.system_errors import is_failure_of_machine

CANNOT_BE_OPENED = "cannot be opened"
"""Begins each reason that the system gave, not the content of the file."""
CRASH = "damaged: it crashes the library that reads it"
"""Reason of a file that ends the process in which it is read, twice."""
PREFIX_BYTES = 132
"""Preamble and "DICM"."""
HEAD_BYTES = 1 << 14
"""Read at once: most headers are shorter, and pydicom is quicker in memory than in a file."""
LARGEST_FILE = 1 << 27
"""Bytes: twice a slice of the largest matrix with 32 bits per pixel."""
TRANSFER_SYNTAX_UID = 0x00020010
FIRST_PIXEL_DATA = 0x7FE00008
WANTED = list(TAGS.values())

# They log, with tracebacks, what they could not read, values of the header included.
for _name in ("pydicom", "pylibjpeg", "openjpeg", "libjpeg"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class RejectedFile(Exception):
    """A file that is set aside; the message is the reason."""


class ForbiddenFile(RejectedFile):
    """A file that may not be read by whom the job runs as."""


def rejection(error: Exception, failure: str) -> RejectedFile:
    """Return why an error sets the file aside that was being read.

    Damaged files make the readers raise nearly anything, and their messages can quote values, that
    is patient data: only the kind of the error is kept.

    Args:
        error: What a reader raised.
        failure: What to say of the file, before the kind of the error.

    Raises:
        Exception: The error itself if disk or memory failed: nothing is known about the file.
    """
    if is_failure_of_machine(error):
        raise error
    if isinstance(error, OSError) and error.errno is not None:
        kind = ForbiddenFile if isinstance(error, PermissionError) else RejectedFile
        return kind(f"{CANNOT_BE_OPENED} ({os.strerror(error.errno)})")
    return RejectedFile(f"{failure} ({type(error).__name__})")


def check_permission(path: str | os.PathLike, reason: RejectedFile) -> None:
    """Check that a file which is set aside may be read, where nobody would try it again.

    Raises:
        PermissionError: If it may not.
    """
    if isinstance(reason, ForbiddenFile):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What a DICOM file says before its pixels."""

    values: HeaderValues
    transfer_syntax: UID
    stream: BinaryIO
    """The file, or what it holds deflated."""
    end: int
    """Where the header ends in the stream."""
    size: int
    """Bytes of the stream."""


@contextmanager
def open_dicom(path: str | os.PathLike, failure: str) -> Iterator[BinaryIO]:
    """Open a file for reading, without warnings, and say of every error why it is set aside.

    Args:
        path: Any file.
        failure: What to say of an error that has no reason of its own.

    Raises:
        RejectedFile: In place of every exception that is raised while the file is open.
        OSError, MemoryError: If disk or memory failed.
    """
    try:
        # A pipe without a writer would keep an ordinary open waiting for ever.
        file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise rejection(error, CANNOT_BE_OPENED) from None
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield file
        except RejectedFile:
            raise
        except InvalidDicomError:
            raise RejectedFile("not a DICOM file") from None
        except HeaderValueError as error:
            raise RejectedFile(f"{failure} ({error})") from None
        except Exception as error:
            raise rejection(error, failure) from None


def read_before_pixels(file: BinaryIO) -> DicomHeader:
    """Read the wanted elements (`TAGS`) of a DICOM file that has been opened.

    Raises:
        RejectedFile: If it is no DICOM file, does not tell its encoding or is deflated to absurd
            length.
        Exception: Whatever pydicom raises at a damaged file.
    """
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise RejectedFile("not a file but a pipe or a device")
    head = file.read(HEAD_BYTES)
    if head[PREFIX_BYTES - 4 : PREFIX_BYTES] != b"DICM":
        raise RejectedFile("not a DICOM file")
    syntax, start = _read_transfer_syntax(BytesIO(head))
    stream, size = file, status.st_size
    if syntax.is_deflated:
        file.seek(start)
        content = _inflate(file)
        stream, size, start, head = BytesIO(content), len(content), 0, content[:HEAD_BYTES]
    try:
        dataset, end = _read_wanted(BytesIO(head), start, syntax)
    except Exception:  # a head that is cut off looks like a damaged file
        dataset = None
    if dataset is None or end > len(head) - 8:
        dataset, end = _read_wanted(stream, start, syntax)
    return DicomHeader(HeaderValues(dataset), syntax, stream, end, size)


def _read_transfer_syntax(stream: BinaryIO) -> tuple[UID, int]:
    """Return the TransferSyntaxUID and where the elements after it start."""
    stream.seek(PREFIX_BYTES)
    meta = read_dataset(
        stream, False, True, stop_when=_after_file_meta, specific_tags=[TRANSFER_SYNTAX_UID]
    )
    syntax = meta.get(TRANSFER_SYNTAX_UID)
    if syntax is None or not syntax.value:
        raise RejectedFile("no TransferSyntaxUID")
    syntax = UID(syntax.value)
    if not syntax.is_transfer_syntax:
        # Anything can stand in a damaged header; what is in the dictionary names no patient.
        raise RejectedFile("pixels cannot be decoded (transfer syntax unknown)")
    return syntax, stream.tell()


def _after_file_meta(tag: int, vr: str | None, length: int) -> bool:
    return int(tag) >> 16 != 2


def _read_wanted(stream: BinaryIO, start: int, syntax: UID) -> tuple[pydicom.Dataset, int]:
    """Return the wanted elements of a stream, and where the pixels or the stream begin or end."""
    stream.seek(start)
    dataset = read_dataset(
        stream,
        syntax.is_implicit_VR,
        syntax.is_little_endian,
        stop_when=_at_pixels,
        specific_tags=WANTED,
    )
    return dataset, stream.tell()


def _at_pixels(tag: int, vr: str | None, length: int) -> bool:
    # pydicom's tags compare in Python, integers do not.
    return int.__ge__(tag, FIRST_PIXEL_DATA)


def _inflate(file: BinaryIO) -> bytes:
    """Return what the rest of a file holds deflated; pydicom would inflate to any length."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(file.read(LARGEST_FILE), LARGEST_FILE)
    if len(content) == LARGEST_FILE:
        raise RejectedFile("deflated data are larger than any slice")
    if not inflater.eof:
        raise RejectedFile("truncated: deflated data have no end")
    return content
