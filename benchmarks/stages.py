"""Times the demo stage by stage: `make benchmark`.

Runs config.yaml from scratch as results/benchmark/, samples the memory of all its processes
(proportional set size, so that shared pages count once), and prints a Markdown table from the
benchmark files that Snakemake writes per job.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

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
        time.sleep(0.5)
    wall = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"the run failed: see {RESULTS}/logs/")
    print("| rule | jobs | seconds, all jobs | longest | largest job, MB |")
    print("|---|---:|---:|---:|---:|")
    for rule, jobs in jobs_by_rule().items():
        seconds = [float(job["s"]) for job in jobs]
        memory = max(float(job["max_pss"]) for job in jobs if job["max_pss"] not in ("-", "NA"))
        print(f"| {rule} | {len(jobs)} | {sum(seconds):.0f} | {max(seconds):.0f} | {memory:.0f} |")
    print(f"\nWall time {wall:.0f} s on {cores} cores; all processes together {peak / 1e9:.1f} GB.")


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
