"""Reads the headers of compressed images: JPEG, JPEG-LS and JPEG 2000.

Decoders trust this header: they allocate the size that it states and fill missing data silently.
So its size is compared with the DICOM header before anything is decoded.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

START_OF_JPEG, START_OF_JPEG_2000, END_MARKER = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\xff\xd9"
JP2_SIGNATURE = b"\0\0\0\x0cjP  "
# SOF0 to SOF15 without the tables among them, and SOF55 of JPEG-LS.
FRAME_MARKERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
WITHOUT_CONTENT = {0x01, *range(0xD0, 0xD8)}
PADDING_BYTES = 16
"""Where the end marker is looked for: an encoder may fill up after it."""


class Codestream(NamedTuple):
    """Size and format of a compressed image."""

    rows: int
    columns: int
    components: int
    precision: int
    """Bits per pixel."""
    is_signed: bool | None
    """None if the format cannot tell."""


def read_codestream(image: bytes) -> Codestream:
    """Return what a compressed image says of itself.

    Raises:
        ValueError: If it is no such image, or ends early.
        struct.error, IndexError: If its header is cut off.
    """
    if END_MARKER not in image[-PADDING_BYTES:]:
        raise ValueError("no end marker")
    if image.startswith(START_OF_JPEG):
        return _read_jpeg(image)
    if image.startswith(JP2_SIGNATURE):
        image = image[max(0, image.find(START_OF_JPEG_2000)) :]
    if image.startswith(START_OF_JPEG_2000):
        return _read_jpeg_2000(image)
    raise ValueError("no start marker")


def _read_jpeg(image: bytes) -> Codestream:
    position = 2
    while image[position] == 0xFF:
        marker = image[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in WITHOUT_CONTENT:
            position += 2
            continue
        if marker in FRAME_MARKERS:
            precision, rows, columns, components = struct.unpack_from(">BHHB", image, position + 4)
            return Codestream(rows, columns, components, precision, None)
        position += 2 + struct.unpack_from(">H", image, position + 2)[0]
    raise ValueError("no frame header")


def _read_jpeg_2000(image: bytes) -> Codestream:
    right, bottom, left, top, *_, components, depth, across, down = struct.unpack_from(
        ">8IH3B", image, 8
    )
    if (across, down) != (1, 1):
        raise ValueError("component of lower resolution")
    return Codestream(bottom - top, right - left, components, (depth & 0x7F) + 1, depth >= 0x80)
