"""What each estimator costs: time and passes per slice; and how complete its maps are."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import count_slices
from ct_importance.io.table_file import read_table
from ct_importance.report.jobs import CostJob
from ct_importance.report.names import display_name
from ct_importance.report.tables.formats import html_page, html_rows, markdown_rows
from ct_importance.saliency.estimator import Cost

CAPTION = (
    "Cost of each estimator: passes through the classifier per slice, and seconds of its jobs on "
    "{} slices, with the start of each job, which weighs in small runs. Passes that estimators "
    "share are taken once, and count in full for each of them. Completeness gap, where the map is "
    "to sum up to a difference of scores: how far it is from that, in % of that difference, in the "
    "median of the slices and at most."
)
HEADER = ["Estimator", "Forward", "Backward", "Seconds per slice", "Seconds", "Completeness gap"]
GAPS = ["gap_median", "gap_max"]


def write_cost(
    job: CostJob,
    slices: StrPath,
    complete: Sequence[StrPath],
    csv: StrPath,
    markdown: StrPath,
    page: StrPath,
) -> None:
    """Write what each estimator costs.

    Args:
        job: What each estimator takes, and where its times are.
        slices: The list of slices.
        complete: Tables of maps of `CostJob.complete`, in that order.
        csv: The table to write.
        markdown: The same for people to read.
        page: The same as HTML.
    """
    count = count_slices(slices, job.subsets)
    table = cost_table(job.passes, job.benchmarks, count)
    gaps = {name: gap_of(maps) for name, maps in zip(job.complete, complete, strict=True)}
    table[GAPS] = [gaps.get(name, (np.nan, np.nan)) for name in table["estimator"]]
    rows = [
        [
            display_name(row.estimator),
            str(row.forward_passes),
            str(row.backward_passes),
            f"{row.seconds_per_slice:.3g}",
            f"{row.seconds:.1f}",
            _in_percent(row.gap_median, row.gap_max),
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
    passes: Mapping[str, Cost],
    benchmarks: Mapping[str, Sequence[StrPath]],
    slices: int,
) -> pd.DataFrame:
    """Return a row per estimator, dearest last.

    Args:
        passes: Of each slice, by estimator.
        benchmarks: Snakemake's benchmark files of the jobs that made the maps of an estimator. A
            part that several are made of counts in full for each: it would cost that alone.
        slices: Number of slices explained.

    Returns:
        Columns estimator, forward_passes and backward_passes (of each slice), seconds (of all its
        jobs, with the start of Python and of the libraries) and seconds_per_slice.
    """
    seconds = {
        estimator: sum(pd.read_csv(file, sep="\t")["s"].iloc[-1] for file in files)
        for estimator, files in benchmarks.items()
    }
    table = pd.DataFrame(
        {
            "estimator": list(seconds),
            "forward_passes": [passes[estimator].forward for estimator in seconds],
            "backward_passes": [passes[estimator].backward for estimator in seconds],
            "seconds": list(seconds.values()),
        }
    )
    table["seconds_per_slice"] = table["seconds"] / slices
    order = ["backward_passes", "forward_passes", "seconds"]
    return table.sort_values(order, ignore_index=True)


def gap_of(maps: StrPath) -> tuple[float, float]:
    """Return the relative gap of the maps of a table, in the median and at most.

    How far a map is from what it is to sum up to, as a share of that; infinite where it is to sum
    up to 0 and does not. NaN without slices.
    """
    columns = read_table(maps, columns=["difference", "gap"])
    difference, gap = (np.abs(columns.column(name).to_numpy()) for name in columns.column_names)
    if not len(gap):
        return np.nan, np.nan
    nothing = np.where(gap > 0, np.inf, 0.0)
    shares = np.divide(gap, difference, out=nothing, where=difference > 0)
    return float(np.median(shares)), float(shares.max())


def _in_percent(median: float, most: float) -> str:
    """Return a share and the largest in brackets; a dash where nothing is promised."""
    return "–" if np.isnan(median) else f"{100 * median:.2g} % [{100 * most:.2g} %]"
