"""Explains errors of disk, memory and permissions in one line, with the remedy."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool

from ct_importance.compute.workers import WorkerKilled
from ct_importance.io.paths import StrPath

AGAIN = "then run the same command again"
MORE_MEMORY = (
    "run fewer jobs at once (smaller --cores, or --resources mem_mb=N) or on a computer with more "
    f"memory; on a cluster ask for more (--set-resources RULE:mem_mb=N); {AGAIN}"
)
LACK_OF_MEMORY = f"most likely for lack of memory: {MORE_MEMORY}"
_FREE = f"free space there, or move results/ to a larger disk and put a link in its place; {AGAIN}"
_PERMIT = f"make it readable, and what lies in results/ and .snakemake/ writeable, for you; {AGAIN}"
_RETURN = f"see that the disk or network share is there and sound; {AGAIN}"
_FILES = f"allow more open files (ulimit -n), or run fewer jobs at once (smaller --cores); {AGAIN}"
REMEDIES = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EROFS: _PERMIT,
    errno.EACCES: _PERMIT,
    errno.EPERM: _PERMIT,
    errno.EIO: _RETURN,
    errno.ESTALE: _RETURN,
    errno.ENOTCONN: _RETURN,
    errno.ETIMEDOUT: _RETURN,
    errno.EHOSTDOWN: _RETURN,
    errno.EMFILE: _FILES,
    errno.ENFILE: _FILES,
    errno.ENOMEM: MORE_MEMORY,
}
"""What to do, by the number of an `OSError`."""
# Those of torch are plain errors on the CPU and a class of torch's own on a GPU; those of ONNX
# Runtime are of no common class.
OUT_OF_MEMORY = (
    *("can't allocate memory", "out of memory", "failed to allocate memory", "bad_alloc"),
    *("could not create a primitive", "could not create a memory object"),  # oneDNN's words
)


def explain_system_error(error: BaseException) -> str | None:
    """Return one line on an error of the system, with what the user can do.

    Args:
        error: Any exception.

    Returns:
        The message; None if the error is of another kind.
    """
    if isinstance(error, OSError) and error.errno in REMEDIES:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{os.strerror(error.errno)}: {REMEDIES[error.errno]}"
    if isinstance(error, WorkerKilled):
        return f"{error}: the process at work on it was killed, {LACK_OF_MEMORY}"
    if isinstance(error, BrokenProcessPool):
        return f"a process of the job was killed, {LACK_OF_MEMORY}"
    if _is_out_of_memory(error):
        return f"memory does not suffice: {MORE_MEMORY}"
    return None


def is_failure_of_machine(error: BaseException) -> bool:
    """Tell whether an error is the machine's and not the file's, so that another try may succeed.

    Denied permission does not count: it may be on purpose.
    """
    if isinstance(error, OSError):
        return error.errno in REMEDIES and not isinstance(error, PermissionError)
    return isinstance(error, MemoryError)


@contextlib.contextmanager
def naming(path: StrPath) -> Iterator[None]:
    """Add a path to each `OSError` of the block that names no file, as when a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    known = isinstance(error, RuntimeError) or type(error).__module__.startswith("onnxruntime.")
    return known and any(words in text for words in OUT_OF_MEMORY)
