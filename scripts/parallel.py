"""Worker processes for CPU work that one job spreads over its threads."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor

PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of forked processes, which end with this one, however it ends.

    Forked, because a spawned process would run the script of the Snakemake rule once more.
    """
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("fork"),
        initializer=end_with,
        initargs=(os.getpid(),),
    )


def end_with(process: int) -> None:
    """Have Linux end this process when the one that started it ends, be it by kill -9.

    A job that outlives its workflow could replace, with the options of yesterday, what the next
    run has written.

    Args:
        process: Number of the process to end with: the parent of this one. If it is gone already,
            this one ends at once.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        os._exit(1)
