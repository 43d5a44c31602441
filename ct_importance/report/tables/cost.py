"""What each estimator costs: time and gradients per slice."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pandas as pd


def cost_table(
    passes: Mapping[str, int],
    benchmarks: Mapping[str, list[str | os.PathLike]],
    slices: int,
) -> pd.DataFrame:
    """Return a row per estimator, dearest last.

    Args:
        passes: Gradients of each slice, by estimator.
        benchmarks: Snakemake's benchmark files of the jobs that made the maps of an estimator. A
            part that several are made of counts in full for each: it would cost that alone.
        slices: Number of slices explained.

    Returns:
        Columns estimator, gradient_passes (of each slice), seconds (of all its jobs, with the start
        of Python and of the libraries) and seconds_per_slice.
    """
    seconds = {
        estimator: sum(pd.read_csv(file, sep="\t")["s"].iloc[-1] for file in files)
        for estimator, files in benchmarks.items()
    }
    table = pd.DataFrame(
        {
            "estimator": list(seconds),
            "gradient_passes": [passes[estimator] for estimator in seconds],
            "seconds": list(seconds.values()),
        }
    )
    table["seconds_per_slice"] = table["seconds"] / slices
    return table.sort_values(["gradient_passes", "seconds"], ignore_index=True)
