"""Checks the header of a volume before a library reads the volume.

ITK and nibabel trust a header: a wrong number can crash them, fill the memory or make them loop
forever.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume.parts import (
    LARGEST_VOLUME,
    SURPLUS_BYTES,
    TWICE,
    header_fields,
    is_nrrd,
    parts_of,
)
from ct_importance.io.paths import StrPath

UNREADABLE = "cannot be read as a volume"
TOO_FEW = f"{UNREADABLE}: it holds less data than its header says"
TOO_MANY = f"{UNREADABLE}: it holds more data than its header says"
MOST_ZIPPED = 1032
"""Bytes that Deflate can pack into one."""
MOST_DIMENSIONS = 7
WHOLE = re.compile(r"[+-]?\d{1,18}")
METAIMAGE_BYTES = {
    **dict.fromkeys(("MET_CHAR", "MET_UCHAR"), 1),
    **dict.fromkeys(("MET_SHORT", "MET_USHORT"), 2),
    **dict.fromkeys(("MET_INT", "MET_UINT", "MET_LONG", "MET_ULONG", "MET_FLOAT"), 4),
    **dict.fromkeys(("MET_LONG_LONG", "MET_ULONG_LONG", "MET_DOUBLE"), 8),
}
"""Bytes of a value by ElementType."""
NRRD_BYTES = (
    (1, r"(un)?signed char|uchar|u?int8(_t)?"),
    (2, r"((un)?signed )?short( int)?|ushort|u?int16(_t)?"),
    (4, r"((un)?signed )?int|uint|u?int32(_t)?|float"),
    (8, r"((un)?signed )?long long( int)?|u?longlong|u?int64(_t)?|double"),
)
"""Bytes of a value, and how NRRD names such types."""
NIFTI_OFFSETS = {348: ("f", 108), 540: ("q", 168)}
"""Kind and place of vox_offset, by the length of a NIfTI header."""
NIFTI_HEAD = 544
LARGEST_EXTENSION = 1 << 24


@dataclass(frozen=True)
class Promise:
    """What the text header of a MetaImage or NRRD says of its data."""

    data: Path
    """The file that holds them."""
    start: int
    """Byte where they start."""
    size: int
    """Bytes of the voxels in memory."""
    is_zipped: bool
    is_plain: bool
    """Whether the voxels lie in the file as they are in memory."""


def read_promise(path: Path) -> Promise:
    """Return what the header of a MetaImage or NRRD promises, after checking it against its data.

    Raises:
        RejectedFile: If the header is damaged, or its data are fewer, more or larger than can be.
        OSError: If a file cannot be read.
    """
    fields, length = header_fields(path)
    for name in fields:
        if fields[name] == TWICE:
            raise RejectedFile(f"{UNREADABLE}: its header says {name} twice")
    data = parts_of(path)[-1]
    read = _nrrd_promise if is_nrrd(path) else _metaimage_promise
    promise, least, is_end_known = read(fields, data, length if data == path else 0)
    check_size(promise.size)
    available = os.path.getsize(data) - promise.start
    if least > available:
        raise RejectedFile(TOO_FEW)
    if is_end_known and available > _most_bytes(promise) + SURPLUS_BYTES:
        raise RejectedFile(TOO_MANY)
    return promise


def _most_bytes(promise: Promise) -> int:
    # A number as text has 25 letters at most, and a value one byte at least.
    return promise.size if promise.is_plain or promise.is_zipped else 25 * promise.size


def _metaimage_promise(
    fields: dict[str, str], data: Path, length: int
) -> tuple[Promise, int, bool]:
    """Return the promise, the fewest bytes of data it takes, and whether nothing may follow."""
    if "elementdatafile" not in fields:
        raise RejectedFile(f"{UNREADABLE}: its header has no ElementDataFile")
    value_bytes = METAIMAGE_BYTES.get(fields.get("elementtype", ""))
    if value_bytes is None:
        raise _impossible("ElementType")
    sizes = _sizes(fields, "NDims", "DimSize")
    channels = _number(fields, "ElementNumberOfChannels", 1, default=1)
    count = math.prod(sizes) * channels
    size = count * value_bytes
    skipped = _number(fields, "HeaderSize", -1, default=0)
    start = skipped if skipped > 0 else 0 if skipped else length
    is_zipped = fields.get("compresseddata", "").lower() == "true"
    is_text = fields.get("binarydata", "").lower() == "false"
    zipped = _number(fields, "CompressedDataSize", 0, default=0)
    least = max(zipped, size // MOST_ZIPPED) if is_zipped else 2 * count - 1 if is_text else size
    promise = Promise(data, start, size, is_zipped, not is_zipped and not is_text)
    return promise, least, skipped >= 0


def _nrrd_promise(fields: dict[str, str], data: Path, length: int) -> tuple[Promise, int, bool]:
    """Return the same as `_metaimage_promise`."""
    kind = fields.get("type", "").lower()
    value_bytes = next((size for size, name in NRRD_BYTES if re.fullmatch(name, kind)), None)
    if value_bytes is None:
        raise _impossible("type")
    count = math.prod(_sizes(fields, "dimension", "sizes"))
    size = count * value_bytes
    lines = _number(fields, "lineskip", 0, default=0)
    skipped = _number(fields, "byteskip", -1, default=0)
    encoding = fields.get("encoding", "").lower()
    least = {
        "raw": size,
        **dict.fromkeys(("gz", "gzip"), size // MOST_ZIPPED),
        **dict.fromkeys(("txt", "text", "ascii"), 2 * count - 1),
        "hex": 2 * size,
    }.get(encoding)
    if least is None:
        raise RejectedFile(f"{UNREADABLE}: write it with the encoding raw or gzip")
    is_zipped = encoding in ("gz", "gzip")
    if is_zipped and (lines or skipped):
        raise RejectedFile(f"{UNREADABLE}: it skips part of zipped data")
    start = 0 if skipped < 0 else length + skipped
    promise = Promise(data, start, size, is_zipped, encoding == "raw")
    return promise, least, skipped >= 0 and not lines


def _sizes(fields: dict[str, str], dimensions: str, sizes: str) -> list[int]:
    count = _number(fields, dimensions, 1, MOST_DIMENSIONS)
    found = fields.get(sizes.lower(), "").split()
    if len(found) != count:
        raise _impossible(sizes)
    return [_number({sizes.lower(): size}, sizes, 1) for size in found]


def _number(
    fields: dict[str, str],
    name: str,
    lowest: int,
    highest: int = LARGEST_VOLUME,
    default: int | None = None,
) -> int:
    """Return a whole number of a header; without a default it must be there."""
    text = fields.get(name.lower())
    if text is None and default is not None:
        return default
    if text is None or not WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
        raise _impossible(name)
    return int(text)


def _impossible(name: str) -> RejectedFile:
    return RejectedFile(f"{UNREADABLE}: {name} of its header is missing or impossible")


def check_size(size: int) -> None:
    """Check that some number of bytes can be a volume.

    Raises:
        RejectedFile: If it is too large.
    """
    if size > LARGEST_VOLUME:
        raise RejectedFile(f"is larger than any CT volume ({LARGEST_VOLUME >> 30} GiB)")


def check_nifti_head(path: StrPath) -> None:
    """Check how much a NIfTI says to hold before its voxels; nibabel reads all of it.

    Raises:
        RejectedFile: If that is absurdly much.
        OSError, EOFError, zlib.error: If the file cannot be read.
    """
    is_zipped = os.fspath(path).lower().endswith(".gz")
    with gzip.GzipFile(path) if is_zipped else open(path, "rb") as file:
        head = file.read(NIFTI_HEAD)
    for order in "<>":
        length = struct.unpack(order + "i", head[:4].ljust(4, b"\0"))[0]
        if length in NIFTI_OFFSETS and len(head) >= length:
            kind, place = NIFTI_OFFSETS[length]
            offset = struct.unpack_from(order + kind, head, place)[0]
            is_extended = head[length : length + 1] not in (b"", b"\0")
            lowest = length + 4 if is_extended else 0
            if not lowest <= offset <= length + LARGEST_EXTENSION:
                raise _impossible("vox_offset")


def check_nifti_size(path: StrPath, size: int, start: int) -> None:
    """Check that a NIfTI is as large as its header says.

    Args:
        path: The file, zipped or not.
        size: Bytes of its voxels.
        start: Byte where they start.

    Raises:
        RejectedFile: If it is not.
    """
    check_size(size)
    found = os.path.getsize(path)
    is_zipped = os.fspath(path).lower().endswith(".gz")
    if (MOST_ZIPPED * found if is_zipped else found) < start + size:
        raise RejectedFile(TOO_FEW)
    if found > start + size + SURPLUS_BYTES:
        raise RejectedFile(TOO_MANY)
