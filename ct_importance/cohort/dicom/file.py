"""Opens DICOM files, and reads their header up to the pixels."""

from __future__ import annotations

import logging
import os
import re
import stat
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, cast

import pydicom
from pydicom.datadict import keyword_for_tag
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_dataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ct_importance.cohort.dicom.values import TAGS, HeaderValueError, HeaderValues
from ct_importance.cohort.rejection import CANNOT_BE_OPENED, RejectedFile, rejection
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

PREFIX_BYTES = 132
"""Preamble and "DICM"."""
HEAD_BYTES = 1 << 14
"""Read at once: most headers are shorter, and pydicom is quicker in memory than in a file."""
LARGEST_FILE = 1 << 27
"""Bytes: twice a slice of the largest matrix with 32 bits per pixel."""
FIRST_META = re.compile(rb"\x02\0[\0\1\2\x10]\0[A-Z]{2}", re.DOTALL)
FIRST_ELEMENTS = {
    ExplicitVRLittleEndian: re.compile(rb"\x08\0.\0[A-Z]{2}", re.DOTALL),
    ExplicitVRBigEndian: re.compile(rb"\0\x08\0.[A-Z]{2}", re.DOTALL),
    ImplicitVRLittleEndian: re.compile(rb"\x08\0.\0.\0", re.DOTALL),
}
"""How the elements of an image may begin: tag, and type of value or length."""
MOST_PIECES = 100_000
"""Pieces of a file of one slice: two or three for each element, of which real ones have 1000."""
TRANSFER_SYNTAX_UID = 0x00020010
FIRST_PIXEL_DATA = 0x7FE00008
WANTED = list(TAGS.values())
ORDERED = {*WANTED, 0x00280120, 0x00280121}
"""Elements that come once and in their order; the last two are those of the padding."""

# They log, with tracebacks, what they could not read, values of the header included.
for _name in ("pydicom", "pylibjpeg", "openjpeg", "libjpeg"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class _FileInPieces:
    """What pydicom needs of a file: reading, seeking and telling."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file, self._left = file, most
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise RejectedFile("it has more elements than can be read in reasonable time")
        return self._file.read(size)


def in_pieces(file: BinaryIO, most: int) -> BinaryIO:
    """Return a file of which only so many pieces are read.

    A small file can hold millions of elements. `RejectedFile` is raised at the piece that is one
    too many.

    Args:
        file: Open for reading.
        most: How many pieces may be read.
    """
    return cast(BinaryIO, _FileInPieces(file, most))


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
def open_dicom(path: StrPath, failure: str) -> Iterator[BinaryIO]:
    """Open a file for reading; an error in the block says why it is set aside (`rejection`).

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
    with naming(path), file, warnings.catch_warnings():
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
    if head[PREFIX_BYTES - 4 : PREFIX_BYTES] == b"DICM":
        syntax, start = read_transfer_syntax(BytesIO(head), PREFIX_BYTES)
    else:
        syntax, start = _without_preamble(head)
    stream: BinaryIO = file
    size = status.st_size
    if syntax.is_deflated:
        file.seek(start)
        content = _inflate(file)
        stream, size, start, head = BytesIO(content), len(content), 0, content[:HEAD_BYTES]
    try:
        dataset, end = _read_wanted(BytesIO(head), start, syntax)
    except Exception:  # a head that is cut off looks like a damaged file
        dataset = None
    if dataset is None or end > len(head) - 8:
        dataset, end = _read_wanted(in_pieces(stream, MOST_PIECES), start, syntax)
    return DicomHeader(HeaderValues(dataset), syntax, stream, end, size)


def _without_preamble(head: bytes) -> tuple[UID, int]:
    """Return encoding and start of elements that begin with the file, as before DICOM files were.

    Raises:
        RejectedFile: If it does not begin with an element that can be the first.
    """
    start = head[:6]
    if FIRST_META.match(start):
        return read_transfer_syntax(BytesIO(head), 0)
    for syntax, first_element in FIRST_ELEMENTS.items():
        if first_element.match(start):
            return syntax, 0
    raise RejectedFile("not a DICOM file")


def read_transfer_syntax(stream: BinaryIO, start: int) -> tuple[UID, int]:
    """Return the TransferSyntaxUID and where the elements after it start.

    Args:
        stream: A DICOM file.
        start: Where its elements start.

    Raises:
        RejectedFile: If there is none, or none that is known.
    """
    stream.seek(start)
    meta = read_dataset(
        stream, False, True, stop_when=_after_file_meta, specific_tags=[TRANSFER_SYNTAX_UID]
    )
    element = meta.get(TRANSFER_SYNTAX_UID)
    if element is None or not element.value:
        raise RejectedFile("no TransferSyntaxUID")
    syntax = UID(element.value)
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
        stop_when=_OrderedUntilPixels(),
        specific_tags=WANTED,
    )
    return dataset, stream.tell()


class _OrderedUntilPixels:
    """Stops at the pixels, and at an element that decides what they are and has no clear value.

    Elements come once and by tag. Readers differ in which of two they believe.
    """

    def __init__(self) -> None:
        self._last = 0
        self._calls = 0

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        # pydicom's tags compare in Python, integers do not.
        number = int(tag)
        self._calls += 1
        # It may ask about the first element twice, the first time as if it were empty.
        if number in ORDERED and not (self._calls == 1 and length == 0):
            if number <= self._last:
                name = keyword_for_tag(number)
                raise RejectedFile(f"elements come twice or out of order, at {name}")
            self._last = number
        return number >= FIRST_PIXEL_DATA


def _inflate(file: BinaryIO) -> bytes:
    """Return what the rest of a file holds deflated; pydicom would inflate to any length."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(file.read(LARGEST_FILE), LARGEST_FILE)
    if len(content) == LARGEST_FILE:
        raise RejectedFile("deflated data are larger than any slice")
    if not inflater.eof:
        raise RejectedFile("truncated: deflated data have no end")
    return content
