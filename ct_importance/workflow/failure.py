"""What a run prints when jobs failed: their logs, the last lines of these, and what to do."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ct_importance.compute.progress import wrapped
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import AGAIN, MORE_MEMORY, REMEDIES

LINES = 5
"""Lines shown of a log."""
CAUSES = 5
"""Causes shown."""
LIKEWISE = 3
"""Other jobs named that failed for the same cause."""
# The lines with which `workflow.running.job_log` ends a log, or begins a traceback at its end.
ERROR_LINE = re.compile(r"\d\d:\d\d:\d\d ERROR (?!The job failed\.)")
TRACEBACK_LINE = re.compile(r"\d\d:\d\d:\d\d ERROR The job failed\.")
SUCCESS_LINE = re.compile(r"\d\d:\d\d:\d\d INFO done in ")

AS_IT_SAYS = f"what the last line says; {AGAIN}"
INSTALL = f"install what requirements.lock lists, or run `make demo` once; {AGAIN}"
MORE_TIME = f"give it more time: --set-resources RULE:runtime=MINUTES; {AGAIN}"
REPORT = (
    "a defect of this workflow or of a file added to it: the log says where. If the file is not "
    "yours, please report it with the log"
)
STOPPED = "Terminating processes on user request"
"""What Snakemake says of Ctrl-C."""
LITTLE_SPACE = 1 << 20
"""Bytes."""
FULL = f"the disk of its log is full: {REMEDIES[errno.ENOSPC]}"
KILLED = (
    "it ended without an error in its log: see the lines above, from 'ERROR' or 'Traceback' on; if "
    f"there are none it was killed, most likely for lack of memory: {MORE_MEMORY}"
)


@dataclass
class FailedJob:
    """A job that failed, as the log of Snakemake tells."""

    rule: str
    number: str = ""
    message: str = ""
    """What a cluster says of it."""
    logs: list[str] = field(default_factory=list)
    """The rule's own, then those of a cluster."""


def print_failures(snakemake_logs: Iterable[StrPath], folder: StrPath) -> None:
    """Print which jobs failed, how their logs end, and what to do: each cause once.

    Args:
        snakemake_logs: Snakemake's own log of the run.
        folder: results/<run>.
    """
    texts = [Path(path).read_text(errors="replace") for path in snakemake_logs]
    text = "\n".join(texts)
    jobs = failed_jobs(text)
    if STOPPED in text:
        print("\nStopped, as was asked.")
        # Jobs that ended with the run have nothing to mend.
        jobs = [job for job in jobs if remedy(_log_of(job), job.message) != KILLED]
    if jobs:
        print(f"\nFailed jobs: {len(jobs)}. The logs of all jobs are in {Path(folder) / 'logs'}/.")
    causes: dict[tuple[str, ...], list[FailedJob]] = {}
    for job in jobs:
        causes.setdefault(_cause_of(job), []).append(job)
    for alike in list(causes.values())[:CAUSES]:
        print("\n" + "\n".join(describe(*alike)))
    if len(causes) > CAUSES:
        print(f"\n... and {len(causes) - CAUSES} more causes.")
    print("\nThe same command goes on from here: what is finished is kept.")


def failed_jobs(text: str) -> list[FailedJob]:
    """Return the jobs that failed and did not succeed at another attempt.

    Args:
        text: The log of Snakemake.
    """
    jobs: dict[str, FailedJob] = {}
    job = None
    for line in text.splitlines():
        key, _, value = line.strip().partition(": ")
        if match := re.match(r"\s*(?:Error in )?rule (\w+):$", line):
            job = FailedJob(match[1])
        elif match := re.match(r"Finished jobid: (\d+)", line):
            jobs.pop(match[1], None)
        elif job is None or not line.startswith(" "):
            job = None
        elif key == "jobid":
            job.number = value
        elif key == "message":
            job.message = value
        elif key == "log" and value.endswith(" (check log file(s) for error details)"):
            job.logs = value.rpartition(" (check ")[0].split(", ")
            jobs[job.number] = job
    return list(jobs.values())


def describe(job: FailedJob, *others: FailedJob) -> list[str]:
    """Return the lines that are printed of a failed job, and of others that failed like it."""
    path = Path(job.logs[0])
    lines = _log_of(job)
    return [
        *wrapped(f"{job.rule} (scripts/{job.rule}.py): {path}{' ends:' if lines else ''}", "  "),
        *(part for line in lines[-LINES:] for part in _quoted(line)),
        *(f"  See also {path}" for path in job.logs[1:]),
        *(
            line
            for other in others[:LIKEWISE]
            for line in wrapped(f"  Likewise {other.rule}: {other.logs[0]}", "    ")
        ),
        *([f"  ... and {len(others) - LIKEWISE} more like it"] if len(others) > LIKEWISE else []),
        *wrapped(f"  What to do: {remedy(lines, job.message, path.parent)}", "    "),
    ]


def _quoted(line: str) -> list[str]:
    """Return a line of a log; code is not broken."""
    text = f"  | {line}"
    return [text] if line.startswith(" ") else wrapped(text, "  |   ")


def _log_of(job: FailedJob) -> list[str]:
    path = Path(job.logs[0])
    lines = path.read_text(errors="replace").rstrip().splitlines() if path.is_file() else []
    # A success is the log of an earlier time.
    return [] if lines and SUCCESS_LINE.match(lines[-1]) else lines


def _cause_of(job: FailedJob) -> tuple[str, ...]:
    """Return what jobs that failed alike have in common."""
    lines = _log_of(job)
    last = lines[-1] if lines else ""
    if ERROR_LINE.match(last):
        return (last.partition(" ERROR ")[2],)
    return (job.rule, re.sub(r"^\d\d:\d\d:\d\d ", "", last), job.message, *job.logs[1:])


def remedy(lines: Sequence[str], message: str = "", folder: StrPath = ".") -> str:
    """Return what to do about a job that failed.

    Args:
        lines: Its log; none if it has written none.
        message: What a cluster says of it.
        folder: Where the log is.
    """
    last = lines[-1] if lines else ""
    if ERROR_LINE.match(last):
        return AS_IT_SAYS
    if re.search("TIMEOUT|time limit", message, re.IGNORECASE):
        return MORE_TIME
    if re.search("OUT_OF_ME|oom", message, re.IGNORECASE):
        return f"memory did not suffice: {MORE_MEMORY}"
    if last.startswith(("ModuleNotFoundError", "ImportError")):
        return INSTALL
    if any(map(TRACEBACK_LINE.match, lines)):
        return REPORT
    return FULL if _is_full(folder) else KILLED


def _is_full(folder: StrPath) -> bool:
    """Tell whether a disk has hardly any space, or no more room for files, so that logs end."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_bavail * disk.f_frsize < LITTLE_SPACE or (disk.f_files > 0 and disk.f_favail == 0)
