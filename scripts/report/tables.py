"""Tables 1-3 of the paper: one value per estimator and variant, as CSV, Markdown and LaTeX."""

from __future__ import annotations

import html
import math
import os
import re
from collections.abc import Mapping, Sequence

import pandas as pd

from scripts.metrics.contract import Metric

TITLES = {
    "table1_fidelity": "Fidelity F × 10: area between the LiF and MiF accuracy curves",
    "table2_auc": "Area under the averaged ROC curve, importance against masks",
    "table3_dice": "Highest Dice coefficient of XRAI regions against masks",
}
SUBSET_NAMES = {
    "test": "the evenly spaced slices of the test patients",
    "annotated": "all slices with a mask, of training and test patients",
    "all": "all slices, of training and test patients",
}
LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "×": r"$\times$",
        "−": r"$-$",
    }
)
"""What stands for LaTeX's special characters, and for those that not every font has."""


def summarise_metric(metric: Metric, tables: Mapping[str, str | os.PathLike]) -> pd.DataFrame:
    """Return a row per estimator and variant: `estimator` and the columns of the metric's summary.

    Args:
        metric: A metric module.
        tables: Its table of points for each estimator.
    """
    summaries = []
    for estimator, path in tables.items():
        summary = metric.summarise(pd.read_parquet(path))
        summary.insert(0, "estimator", estimator)
        summaries.append(summary)
    return pd.concat(summaries, ignore_index=True)


def paper_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Return columns estimator, original, absolute; best absolute value first, as in the paper.

    Args:
        summary: Columns estimator, variant, value; a value that is missing becomes NaN, and an
            estimator without absolute value comes last.
    """
    table = summary.pivot(index="estimator", columns="variant", values="value")
    table = table.reindex(columns=["original", "absolute"]).reset_index().rename_axis(columns=None)
    order = ["absolute", "original", "estimator"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def markdown_table(
    table: pd.DataFrame, names: Mapping[str, str], value: str, decimals: int
) -> list[str]:
    """Return a table as lines of Markdown."""
    value = escape_markdown(value)
    lines = [f"| Estimator | {value} (original) | {value} (absolute) |", "|---|---:|---:|"]
    for row in table.itertuples():
        numbers = " | ".join(fixed(number, decimals) for number in (row.original, row.absolute))
        lines.append(f"| {escape_markdown(names[row.estimator])} | {numbers} |")
    return lines


def html_table(
    table: pd.DataFrame,
    names: Mapping[str, str],
    value: str,
    decimals: int,
    caption: str,
    notes: Sequence[str],
) -> str:
    """Return a table as a page of HTML, for the report."""
    value = html.escape(value)
    cells = [
        f"<tr><td>{html.escape(names[row.estimator])}</td>"
        f"<td>{fixed(row.original, decimals)}</td><td>{fixed(row.absolute, decimals)}</td></tr>"
        for row in table.itertuples()
    ]
    style = (
        "body{font-family:sans-serif;max-width:45em;margin:1em}td,th{padding:.2em 1em;"
        "text-align:right}td:first-child,th:first-child{text-align:left}.note{color:#a03000}"
    )
    return "\n".join(
        [
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{value}</title>',
            f"<style>{style}</style><p>{html.escape(caption)}</p>",
            *(f'<p class="note">{html.escape(note)}</p>' for note in notes),
            f"<table><tr><th>Estimator</th><th>{value} (original)</th>",
            f"<th>{value} (absolute)</th></tr>",
            *cells,
            "</table></html>\n",
        ]
    )


def latex_table(
    table: pd.DataFrame,
    names: Mapping[str, str],
    value: str,
    decimals: int,
    caption: str,
    notes: Sequence[str],
    label: str,
) -> str:
    """Return a table as LaTeX for the booktabs package."""
    value = escape_latex(value)
    lines = [
        r"\begin{table}",
        rf"\caption{{{escape_latex(' '.join([caption, *notes]))}}}",
        rf"\label{{tab:{label}}}",
        r"\begin{tabular}{lrr}",
        r"\toprule",
        rf"Estimator & {value} (original) & {value} (absolute) \\",
        r"\midrule",
    ]
    for row in table.itertuples():
        numbers = " & ".join(
            fixed(number, decimals, minus="$-$") for number in (row.original, row.absolute)
        )
        lines.append(rf"{escape_latex(names[row.estimator])} & {numbers} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def fixed(number: float, decimals: int, minus: str = "−") -> str:
    """Return a number with a fixed number of decimals, zero without a sign; a dash for NaN."""
    if math.isnan(number):
        return "–"
    text = f"{number:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", minus)


def escape_latex(text: str) -> str:
    """Return text with LaTeX's special characters escaped."""
    return text.translate(LATEX)


def escape_markdown(text: str) -> str:
    """Return text with what Markdown would take for markup escaped.

    Underscores inside a word are no markup, and stay as they are: the tables are also read raw.
    """
    text = re.sub(r"[\\`*|<\[]", r"\\\g<0>", text)
    return re.sub(r"(?<!\w)_+|_+(?!\w)", lambda run: r"\_" * len(run[0]), text)
