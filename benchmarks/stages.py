"""Times the demo stage by stage: `make benchmark`.

Runs config.yaml from scratch as results/benchmark/, samples the memory of all its processes
(proportional set size, so that shared pages count once), and prints Markdown tables from the
benchmark files that Snakemake writes per job, and from the ends of the logs: what the start of a
job takes, of the interpreter, Snakemake's own imports and those of its script.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import psutil

RUN = "benchmark"
RESULTS = Path("results") / RUN


def main() -> None:
    """Run the demo and print what it took."""
    shutil.rmtree(RESULTS, ignore_errors=True)
    cores = str(os.cpu_count())
    command = [sys.executable, "-m", "snakemake", "--cores", cores, "--resources", f"gpu={cores}"]
    started = time.perf_counter()
    process = psutil.Popen(
        [*command, "--quiet", "all", "--config", f"run={RUN}"], stdout=subprocess.DEVNULL
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory_of_tree(process))
        time.sleep(2)  # looking takes time from the jobs
    wall = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"the run failed: see {RESULTS}/logs/")
    print("\n".join(table_lines(jobs_by_rule())))
    print(f"\nWall time {wall:.0f} s on {cores} cores; all processes together {peak / 1e9:.1f} GB.")
    ends = ends_by_rule()
    print("\n".join(start_lines(ends)))
    bare = sum(end.work for jobs in ends.values() for end in jobs) / int(cores)
    print(f"Compute of the jobs alone {bare:.0f} s; the wall time is {wall / bare:.2f} x that.")


class End(NamedTuple):
    """What the log of a job says at its end, in CPU seconds."""

    work: float
    start: float


def ends_by_rule() -> dict[str, list[End]]:
    """Return what jobs took without their start, and their start, by rule."""
    found = defaultdict(list)
    folder = RESULTS / "logs"
    for path in sorted(folder.rglob("*.log")):
        last = path.read_text().rstrip().splitlines()[-1]
        if match := re.search(r", ([\d.]+) s of CPU; its start took ([\d.]+) s of CPU$", last):
            rule = path.relative_to(folder).parts[0].removesuffix(".log")
            found[rule].append(End(float(match[1]), float(match[2])))
    return found


def start_lines(ends: Mapping[str, Sequence[End]]) -> list[str]:
    """Return the Markdown table of what jobs take to start, and the mean of all jobs."""
    lines = ["", "| rule | start, CPU seconds |", "|---|---:|"]
    starts = {rule: [end.start for end in jobs] for rule, jobs in ends.items()}
    lines += [f"| {rule} | {median(these):.2f} |" for rule, these in starts.items()]
    everything = [start for these in starts.values() for start in these]
    return [*lines, f"| mean of {len(everything)} jobs | {mean(everything):.2f} |"]


def table_lines(jobs_of_rule: Mapping[str, list[dict[str, str]]]) -> list[str]:
    """Return the Markdown table out of the rows of benchmark files by rule."""
    timed = {rule: jobs for rule, jobs in jobs_of_rule.items() if jobs}
    if not timed:
        raise SystemExit(f"no job was timed: there are no benchmark files in {RESULTS}/benchmarks/")
    lines = ["| rule | jobs | seconds, all jobs | longest | largest job, MB |"]
    lines.append("|---|---:|---:|---:|---:|")
    for rule, jobs in timed.items():
        seconds = [float(job["s"]) for job in jobs]
        # Snakemake cannot sample the memory of a job that is over in no time.
        sampled = [float(job["max_pss"]) for job in jobs if job["max_pss"] not in ("-", "NA")]
        memory = f"{max(sampled):.0f}" if sampled else "–"
        lines.append(
            f"| {rule} | {len(jobs)} | {sum(seconds):.0f} | {max(seconds):.0f} | {memory} |"
        )
    return lines


def memory_of_tree(process: psutil.Process) -> int:
    """Return the bytes that a process and all below it hold."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def jobs_by_rule() -> dict[str, list[dict[str, str]]]:
    """Return the rows of Snakemake's benchmark files by rule, in the order of the first start."""
    jobs = defaultdict(list)
    folder = RESULTS / "benchmarks"
    for path in sorted(folder.rglob("*.tsv"), key=lambda path: path.stat().st_mtime):
        with path.open(newline="") as file:
            jobs[path.relative_to(folder).parts[0].removesuffix(".tsv")] += csv.DictReader(
                file, delimiter="\t"
            )
    return jobs


if __name__ == "__main__":
    main()
