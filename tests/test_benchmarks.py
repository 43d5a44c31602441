"""Benchmarks run: nothing else would notice that they fell behind the code they measure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.accelerator import measure
from benchmarks.growth import WORK, write_tables

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
