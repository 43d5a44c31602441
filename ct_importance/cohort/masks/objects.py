"""Opens DICOM objects of masks, and reads what SEG and RTSTRUCT have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial

from ct_importance.cohort.dicom.file import PREFIX_BYTES, in_pieces, read_transfer_syntax
from ct_importance.cohort.masks.files import MarksNothing
from ct_importance.cohort.masks.structures import Structures
from ct_importance.cohort.rejection import RejectedFile

LARGEST_OBJECT = 1 << 31
"""Bytes."""
MOST_PIECES = 5_000_000
"""Pieces of a file (`in_pieces`): those of 30,000 frames of a segmentation, or contours."""


def read_object(
    path: Path,
    most: int = MOST_PIECES,
    stop_when: Callable[[int, str | None, int], bool] | None = None,
) -> pydicom.FileDataset:
    """Return a DICOM object of masks, if it can be read in reasonable time and memory.

    Args:
        path: The file.
        most: Pieces of it that may be read.
        stop_when: As for pydicom: where to stop.

    Raises:
        RejectedFile: If it is too large.
        Exception: Whatever pydicom raises at a damaged file.
    """
    try:
        if path.stat().st_size > LARGEST_OBJECT:
            raise RejectedFile(f"it is larger than {LARGEST_OBJECT >> 30} GiB")
        with open(path, "rb") as file:
            if file.read(PREFIX_BYTES)[-4:] != b"DICM":
                raise InvalidDicomError
            syntax, _ = read_transfer_syntax(in_pieces(file, most), PREFIX_BYTES)
            if syntax.is_deflated:
                raise RejectedFile("it is deflated as a whole: write it with another syntax")
            file.seek(0)
            return read_partial(in_pieces(file, most), stop_when)
    except RejectedFile as reason:
        raise RejectedFile(f"mask cannot be read as DICOM: {reason}") from None


def items(dataset: pydicom.Dataset, *keywords: str) -> Iterator[pydicom.Dataset]:
    """Return the items at the end of a path of nested sequences; missing sequences hold none."""
    if not keywords:
        yield dataset
        return
    for item in dataset.get(keywords[0]) or []:
        yield from items(item, *keywords[1:])


def uids(found: Iterable[pydicom.Dataset], keyword: str) -> frozenset[str]:
    """Return the values that an element has in some items, those without it left out."""
    values = (item.get(keyword) for item in found)
    return frozenset(str(value) for value in values if value)


def choose(
    structures: Structures, offered: Sequence[pydicom.Dataset], number: str, name: str, noun: str
) -> list[int]:
    """Return the numbers of the structures of an object that are wanted.

    The names that others have are free text, and stay out of messages.

    Args:
        structures: Which are wanted.
        offered: The segments or ROIs.
        number: Keyword of their number.
        name: Keyword of their name.
        noun: What they are, for messages.

    Raises:
        RejectedFile: If the object has none that is wanted.
    """
    chosen = [
        int(it[number].value)
        for it in offered
        if structures.take(it.get(name) or "", int(it[number].value))
    ]
    if not chosen:
        wanted = structures.listed
        lacking = f"none of the structures {wanted}" if wanted else "no structures"
        count = len(offered)
        raise MarksNothing(f"mask has {lacking}; it has {count} {noun}{'s' * (count != 1)}")
    return chosen
