"""Finds the pixel data of a DICOM file and checks, without decoding, that they are complete."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from ct_importance.cohort.dicom.file import DicomHeader
from ct_importance.cohort.dicom.values import HeaderValues
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.io.digests import sample_digest

PIXEL_DATA = (0x7FE0, 0x0010)
ITEM, END_OF_ITEMS = (0xFFFE, 0xE000), (0xFFFE, 0xE0DD)
UNDEFINED_LENGTH = 0xFFFFFFFF
MOST_FRAGMENTS = 100_000
"""Of the one frame of a slice; more would only take time to count."""
SPARE_BYTES = 1 << 16
"""Headers of a compressed image and of its fragments."""


@dataclass(frozen=True, slots=True)
class PixelSpan:
    """Where the value of PixelData lies in the stream, bytes."""

    start: int
    length: int

    def fingerprint(self, stream: BinaryIO) -> str:
        """Return a digest of length and middle of the pixel data: equal slices share it."""
        return sample_digest(stream, self.start, self.length)


def find_pixel_data(header: DicomHeader) -> PixelSpan:
    """Return where the pixel data of a slice lie; its units must have been checked.

    Raises:
        RejectedFile: If there are none, they are incomplete, do not have the size that the header
            says, or are compressed in a way that cannot be decoded.
    """
    syntax = header.transfer_syntax
    _check_decodable(syntax)
    start, length = _element(header)
    values = header.values
    pixels = values.required_whole("Rows") * values.required_whole("Columns")
    needed = pixels * (values.required_whole("BitsAllocated") // 8)
    if syntax.is_encapsulated:
        if length != UNDEFINED_LENGTH:
            raise RejectedFile("compressed pixel data are not in fragments")
        length = _end_of_fragments(header, start) - start
        if length > 2 * needed + SPARE_BYTES:
            raise RejectedFile("compressed pixel data are longer than the pixels themselves")
        return PixelSpan(start, length)
    if length == UNDEFINED_LENGTH:
        raise RejectedFile("uncompressed pixel data are in fragments")
    if min(length, header.size - start) < needed:
        raise RejectedFile("truncated: pixel data are shorter than the header says")
    if length - needed >= _line(values):
        raise RejectedFile("pixel data are longer than the header says")
    return PixelSpan(start, length)


def _line(values: HeaderValues) -> int:
    """Return the bytes of a row or column, whichever is shorter, and more than one of padding.

    A wrong number of rows or columns leaves that much over; less can only be padding.
    """
    pixels = min(values.required_whole("Rows"), values.required_whole("Columns"))
    return max(2, pixels * (values.required_whole("BitsAllocated") // 8))


def _check_decodable(syntax: UID) -> None:
    if not _is_decodable(syntax):
        raise RejectedFile(f"pixels cannot be decoded (transfer syntax {syntax.name})")


@cache
def _is_decodable(syntax: UID) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:
        return False


def _element(header: DicomHeader) -> tuple[int, int]:
    """Return start and length of the value of the element that ends the header."""
    order = "<" if header.transfer_syntax.is_little_endian else ">"
    header.stream.seek(header.end)
    element = header.stream.read(12)
    if len(element) < 12:
        raise RejectedFile("no pixel data")
    if struct.unpack(order + "HH", element[:4]) != PIXEL_DATA:
        raise RejectedFile("no pixel data of whole numbers")
    if header.values.is_implicit:
        return header.end + 8, struct.unpack(order + "I", element[4:8])[0]
    if element[4:6] not in (b"OW", b"OB", b"UN"):
        raise RejectedFile("no pixel data of whole numbers")
    return header.end + 12, struct.unpack(order + "I", element[8:])[0]


def _end_of_fragments(header: DicomHeader, start: int) -> int:
    """Return where the compressed fragments end, which hold the table of offsets first."""
    position = start
    for number in range(MOST_FRAGMENTS):
        header.stream.seek(position)
        item = header.stream.read(8)
        if len(item) < 8:
            raise RejectedFile("truncated: compressed pixel data have no end")
        group, element, length = struct.unpack("<HHI", item)
        if (group, element) == END_OF_ITEMS:
            return position
        if (group, element) != ITEM or length == UNDEFINED_LENGTH:
            raise RejectedFile("compressed pixel data are damaged: no fragment where one should be")
        if number == 0 and length > 4:
            raise RejectedFile("pixel data of several frames in a file of one slice")
        position += 8 + length
    raise RejectedFile("compressed pixel data are in too many fragments")
