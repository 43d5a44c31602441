"""Files that are set aside, each with a reason: readers stay silent and fail with one."""

from __future__ import annotations

import contextlib
import errno
import gzip
import logging
import os
import struct
import sys
import warnings
import zlib
from collections.abc import Iterator

from pydicom.errors import InvalidDicomError

from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import is_failure_of_machine

CANNOT_BE_OPENED = "cannot be opened"
"""Begins each reason that the system gave, not the content of the file."""
CRASH = "damaged: it crashes the library that reads it"
"""Reason of a file that ends the process in which it is read, twice."""
MEANINGS = (
    ((EOFError, struct.error), "damaged, it ends too early"),
    ((zlib.error, gzip.BadGzipFile), "damaged, it cannot be unzipped"),
    (RecursionError, "damaged, nested too deeply"),
    (InvalidDicomError, "not a DICOM file"),
    (NotImplementedError, "written in a way that is not supported"),
)
"""What errors of the readers mean; anything else is damage of some kind."""
Rejected = dict[str, str]
"""File that is set aside -> the reason."""
CHATTY_LOGGERS = ("pydicom", "highdicom", "nibabel")


class RejectedFile(Exception):
    """A file that is set aside; the message is the reason."""


class ForbiddenFile(RejectedFile):
    """A file that may not be read by whom the job runs as."""


def rejection(error: Exception, failure: str) -> RejectedFile:
    """Return why an error sets the file aside that was being read.

    Damaged files make the readers raise nearly anything, and their messages can quote values, that
    is patient data: only what the kind of the error means is kept.

    Args:
        error: What a reader raised.
        failure: What to say of the file, before what the error means.

    Raises:
        Exception: The error itself if disk or memory failed: nothing is known about the file.
    """
    if is_failure_of_machine(error):
        raise error
    if isinstance(error, OSError) and error.errno is not None:
        kind = ForbiddenFile if isinstance(error, PermissionError) else RejectedFile
        return kind(f"{CANNOT_BE_OPENED} ({os.strerror(error.errno)})")
    return RejectedFile(f"{failure}: {_in_words(error)}")


def _in_words(error: Exception) -> str:
    """Return what an error of a reader most likely means for the file."""
    return next((words for kinds, words in MEANINGS if isinstance(error, kinds)), "damaged")


def check_permission(path: StrPath, reason: RejectedFile) -> None:
    """Check that a file which is set aside may be read, where nobody would try it again.

    Raises:
        PermissionError: If it may not.
    """
    if isinstance(reason, ForbiddenFile):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


@contextlib.contextmanager
def reading(failure: str) -> Iterator[None]:
    """Turn whatever a reader raises into a reason, and let nothing it says reach the user.

    Args:
        failure: What to say of the file, before the kind of the error.

    Raises:
        RejectedFile: If the block raises.
        OSError, MemoryError: If disk or memory failed (`rejection`).
    """
    loggers = [logging.getLogger(name) for name in CHATTY_LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.setLevel(logging.CRITICAL + 1)
            yield
    except RejectedFile:
        raise
    except Exception as error:
        raise rejection(error, failure) from None
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def silent_standard_error() -> Iterator[None]:
    """Drop what libraries in C++ write to the standard error, past Python."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
