"""Benchmarks run: nothing else would notice that they fell behind the code they measure."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import stages
from benchmarks.accelerator import measure
from benchmarks.growth import WORK, write_tables
from ct_importance.workflow.running import job_log

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("work", WORK)
def test_growth(tmp_path, work):
    write_tables(tmp_path, 2)

    done = subprocess.run(
        [sys.executable, "benchmarks/growth.py", "--step", work, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": "."},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds > 0
    assert megabytes > 50


def test_accelerator():
    rates = measure("float32", size=32, repeats=1, device=torch.device("cpu"))

    assert len(rates) == 4
    assert min(rates) > 0


def test_starts_of_jobs_are_read_from_their_logs(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "RESULTS", tmp_path)
    for number, start in ((1, 0.2), (2, 0.4)):
        log = tmp_path / "logs" / "extract_slices" / f"{number}.log"
        with job_log(log):
            pass
        line = re.sub(r"start took [\d.]+", f"start took {start}", log.read_text())
        log.write_text(line)
    (tmp_path / "logs" / "write_cost.log").write_text("08:00:00 ERROR no disk\n")

    ends = stages.ends_by_rule()

    assert [end.start for end in ends["extract_slices"]] == [0.2, 0.4]
    assert stages.start_lines(ends)[-2:] == [
        "| extract_slices | 0.30 |",
        "| mean of 2 jobs | 0.30 |",
    ]
