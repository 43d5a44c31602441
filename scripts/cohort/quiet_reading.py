"""Guards the readers of files: they stay silent, and fail with a reason fit for a report."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator

from scripts.cohort.dicom_file import RejectedFile, rejection

CHATTY_LOGGERS = ("pydicom", "highdicom", "nibabel")


@contextlib.contextmanager
def reading(failure: str) -> Iterator[None]:
    """Turn whatever a reader raises into a reason, and let nothing it says reach the user.

    Args:
        failure: What to say of the file, before the kind of the error.

    Raises:
        RejectedFile: If the block raises.
        OSError, MemoryError: If disk or memory failed (`dicom_file.rejection`).
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
