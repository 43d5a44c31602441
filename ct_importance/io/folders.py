"""Lists the files below a folder."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Path, size and time of a file: if any of them differs, the file has changed."""

    path: str
    size: int
    """Bytes."""
    modified: int
    """Time of the last change, ns."""


def list_files(folders: Sequence[StrPath], key: str, hidden: bool = True) -> list[FileStamp]:
    """Return the files below some folders, each once, by path.

    Symbolic links to folders are followed; a folder that is reached twice is read once.

    Args:
        folders: Searched to any depth.
        key: Key of the configuration that names them, for messages.
        hidden: Also list files and folders whose name starts with a dot.

    Raises:
        InputError: If a folder is missing or cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    stamps = [stamp for folder in folders for stamp in _files_below(folder, key, hidden, seen)]
    return sorted(stamps, key=lambda stamp: stamp.path)


def overlapping_folders(
    some: Sequence[StrPath], others: Sequence[StrPath]
) -> tuple[str, str] | None:
    """Return a folder of each that are the same, or of which one lies in the other.

    Example:
        >>> overlapping_folders(["/data/ct"], ["/data/masks", "/data/ct/masks"])
        ('/data/ct', '/data/ct/masks')
    """
    for one, other in itertools.product(some, others):
        ends = [os.path.realpath(one), os.path.realpath(other)]
        if os.path.commonpath(ends) in ends:
            return str(one), str(other)
    return None


def _files_below(
    folder: StrPath, key: str, hidden: bool, seen: set[tuple[int, int]]
) -> Iterator[FileStamp]:
    if not Path(folder).is_dir():
        raise InputError(f"{folder} is not a folder; check {key} and data_dir in the configuration")
    todo = [os.fspath(folder)]
    while todo:
        parent = todo.pop()
        try:
            status = os.stat(parent)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(parent) as entries:
                for entry in entries:
                    if entry.name.startswith(".") and not hidden:
                        continue
                    if _is_folder(entry):
                        todo.append(entry.path)
                    else:
                        yield _stamp(entry)
        except OSError as error:
            raise InputError(
                f"{error.filename} cannot be read ({error.strerror}); change its permissions, or "
                f"move it out of the folders of {key}"
            ) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link to itself leads to nothing
            return False
        raise


def _stamp(entry: os.DirEntry[str]) -> FileStamp:
    try:
        status = entry.stat()
    except OSError:  # a link to nothing: reading it says so
        return FileStamp(entry.path, 0, 0)
    return FileStamp(entry.path, status.st_size, status.st_mtime_ns)
