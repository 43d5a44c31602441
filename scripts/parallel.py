"""Worker processes for CPU work that one job spreads over its threads."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of forked processes.

    Forked, because a spawned process would run the script of the Snakemake rule once more.
    """
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))
