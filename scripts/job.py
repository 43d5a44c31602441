"""What every rule's script shares: a log file that ends with the error, if there is one."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from scripts.errors import InputError


@contextlib.contextmanager
def job_log(path: str | os.PathLike) -> Iterator[None]:
    """Send log records and warnings of a job to its log file, and say how long it took.

    An `InputError` ends the job with its message alone, as the last line of the log and on
    standard error; any other exception leaves its traceback in the log.

    Args:
        path: The log file of the rule.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    wall, cpu = time.perf_counter(), _cpu_seconds()
    try:
        yield
        root.info("done in %.1f s, %.1f s of CPU", time.perf_counter() - wall, _cpu_seconds() - cpu)
    except InputError as error:
        root.error("%s", error)
        print(f"ERROR: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except Exception:
        root.exception("The job failed. The cause is the last line below.")
        raise
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the child processes that have ended."""
    return sum(os.times()[:4])
