"""Atomic file writes."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

WHERE_WRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of the system that only writing meets."""


def temporary_beside(path: StrPath) -> Path:
    """Return a temporary name in the folder of a file, which is made if need be."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Jobs of one file can be two on two computers, after the workflow was killed on a third.
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def remove_leftovers(folder: StrPath) -> list[Path]:
    """Remove the temporary files of killed jobs, at any depth, while no job runs.

    Args:
        folder: results/<run>.

    Returns:
        What was removed.
    """
    leftovers = sorted(Path(folder).rglob(".*.tmp"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return leftovers


@contextlib.contextmanager
def replacing(path: StrPath, flush: bool = True) -> Iterator[Path]:
    """Yield a temporary name to write to; rename it to `path` unless the block fails.

    Args:
        path: The file.
        flush: Have the disk hold the content before the name, or a power failure can leave an
            empty file of that name. It takes about half a millisecond, on a hard disk ten.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "counts.txt"
        ...     with replacing(path) as temporary:
        ...         _ = temporary.write_text("3 slices")
        ...         path.exists()
        ...     path.read_text()
        False
        '3 slices'
    """
    temporary = temporary_beside(path)
    try:
        yield temporary
        with naming(path):
            if flush:
                _flush(temporary)
            os.replace(temporary, path)
    except OSError as error:
        # The block may read other files as well: only these errors must be of this one.
        if error.filename == os.fspath(temporary) or error.errno in WHERE_WRITTEN:
            error.filename = os.fspath(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def write_text(path: StrPath, text: str, flush: bool = True) -> None:
    """Write a text file under a temporary name, then rename it (`replacing`)."""
    with replacing(path, flush) as temporary:
        temporary.write_text(text, encoding="utf-8")
