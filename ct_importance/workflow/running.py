"""What every rule's script shares: a log file that ends with the error, if there is one.

And the end of the job when the workflow that started it is gone.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ct_importance.compute.workers import end_with
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import explain_system_error
from ct_importance.options import Options

Job = TypeVar("Job", bound=Options)

WORKFLOW_PROCESS = "CT_IMPORTANCE_WORKFLOW_PROCESS"
"""Environment variable with the number of the process that starts the jobs."""


class _LogFile(logging.FileHandler):
    """A log that a full disk cuts off; the job that fails for it says so on standard error."""

    is_whole = True

    def handleError(self, record: logging.LogRecord) -> None:
        self.is_whole = False

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


@contextlib.contextmanager
def job_log(path: StrPath) -> Iterator[None]:
    """Send log records and warnings of a job to its log file, and say how long it took.

    An `InputError`, and what disk, memory or permissions refuse, ends the job with one message, the
    last line of the log; any other exception leaves its traceback there. The workflow shows the end
    of the log (`ct_importance.workflow.failure`), so that standard error says it only where the log
    could not be written.

    Args:
        path: The log file of the rule.
    """
    if WORKFLOW_PROCESS in os.environ:
        end_with(int(os.environ[WORKFLOW_PROCESS]))
    root = logging.getLogger()
    try:
        handler = _open_log(path)
    except OSError as error:
        _end(explain_system_error(error) or str(error))
    root.addHandler(handler)
    level = root.level
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    wall, start = time.perf_counter(), _cpu_seconds()
    try:
        yield
        took, cpu = time.perf_counter() - wall, _cpu_seconds() - start
        root.info("done in %.1f s, %.1f s of CPU; its start took %.2f s of CPU", took, cpu, start)
    except InputError as error:
        root.error("%s", error)
        _end("" if handler.is_whole else str(error))
    except Exception as error:
        message = explain_system_error(error)
        if message is None:
            root.exception("The job failed. The cause is the last line below.")
            message = f"{type(error).__name__}: {error}"
        else:
            root.info("where it happened:", exc_info=True)
            root.error("%s", message)
        _end("" if handler.is_whole else message)
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()


@contextlib.contextmanager
def running(snakemake: Any, kind: type[Job]) -> Iterator[Job]:
    """Yield what a rule asks of its script, while its log is kept (`job_log`).

    Args:
        snakemake: The object Snakemake hands to the script; its param ``job`` is JSON of `kind`.
        kind: Options class of the rule.
    """
    with job_log(snakemake.log[0]):
        yield kind.model_validate_json(snakemake.params.job)


def _open_log(path: StrPath) -> _LogFile:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handler = _LogFile(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
    return handler


def _end(message: str) -> NoReturn:
    if message:
        print(f"ERROR: {message}", file=sys.stderr)
    raise SystemExit(1) from None


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the child processes that have ended."""
    return sum(os.times()[:4])
