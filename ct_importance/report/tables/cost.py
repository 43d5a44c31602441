"""What each estimator costs: time and gradients per slice."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import count_slices
from ct_importance.report.jobs import CostJob
from ct_importance.report.names import display_name
from ct_importance.report.tables.formats import html_page, html_rows, markdown_rows

CAPTION = (
    "Cost of each estimator: gradients of the classifier per slice, and seconds of its jobs on {} "
    "slices, with the start of each job, which weighs in small runs. Gradients that estimators "
    "share are computed once, and count in full for each of them."
)
HEADER = ["Estimator", "Gradients per slice", "Seconds per slice", "Seconds"]


def write_cost(
    job: CostJob, slices: StrPath, csv: StrPath, markdown: StrPath, page: StrPath
) -> None:
    """Write what each estimator costs.

    Args:
        job: What each estimator takes, and where its times are.
        slices: The list of slices.
        csv: The table to write.
        markdown: The same for people to read.
        page: The same as HTML.
    """
    count = count_slices(slices, job.subsets)
    table = cost_table(job.passes, job.benchmarks, count)
    rows = [
        [
            display_name(row.estimator),
            str(row.gradient_passes),
            f"{row.seconds_per_slice:.3g}",
            f"{row.seconds:.1f}",
        ]
        for row in table.itertuples()
    ]
    caption = CAPTION.format(count)
    lines = [f"**{caption}**", "", *markdown_rows(HEADER, rows, numbers=True)]
    cells = [[html.escape(text) for text in row] for row in rows]
    write_text(csv, table.to_csv(index=False))
    write_text(markdown, "\n".join(lines) + "\n")
    write_text(page, html_page("Cost", caption, [], [html_rows(HEADER, cells)]))


def cost_table(
    passes: Mapping[str, int],
    benchmarks: Mapping[str, Sequence[StrPath]],
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
