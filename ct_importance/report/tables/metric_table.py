"""One of Tables 1-3 in every format, with the numbers and comparisons behind it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.report.jobs import TableJob
from ct_importance.report.markup import escape_markdown
from ct_importance.report.names import PERFECT_MAP, SUBSET_NAMES, display_name, metric_name
from ct_importance.report.tables.formats import (
    html_table,
    latex_table,
    markdown_table,
    paper_table,
)
from ct_importance.report.tables.notes import (
    reading_of_intervals,
    reading_of_letters,
    reading_of_trainings,
    table_warnings,
    training_share,
)

logger = logging.getLogger(__name__)


ON_TEST = "Values on slices of test patients alone are in the details (value_test)."


@dataclass(frozen=True)
class TableInputs:
    """What a table is made from."""

    values: StrPath
    comparisons: StrPath
    ceiling: StrPath | None
    """What a perfect map reaches; None where that is no question."""
    evaluations: Sequence[StrPath]
    """How good each training of the classifier is, as JSON."""


@dataclass(frozen=True)
class TableOutputs:
    """What is written of a table."""

    csv: StrPath
    details: StrPath
    """CSV of the numbers behind it."""
    comparisons: StrPath
    """CSV."""
    markdown: StrPath
    html: StrPath
    latex: StrPath


def write_metric_table(job: TableJob, inputs: TableInputs, outputs: TableOutputs) -> None:
    """Write the table of a metric.

    Args:
        job: Which table.
        inputs: Files to read.
        outputs: Files to write.
    """
    metric = job.metric.metric
    values = read_frame(inputs.values)
    table = paper_table(values, metric.higher_is_better)
    caption = _caption(job, values, len(inputs.evaluations))
    trainings = [json.loads(Path(path).read_text()) for path in inputs.evaluations]
    found = table_warnings(job.metric, job.statistics, job.task, values, trainings)
    warnings = [f"Warning: {text}" for text in found]
    for text in warnings:
        logger.warning("%s", text)
    names = {estimator: display_name(estimator) for estimator in table.estimator}
    shown, details = table, values
    if inputs.ceiling:
        shown, details, names = _with_ceiling(table, values, names, read_frame(inputs.ceiling))
    layout = (shown, names, metric.unit, metric.decimals)
    title, *quoted = map(escape_markdown, [caption, *warnings])
    markdown = [f"**{title}**", "", *markdown_table(*layout), *(f"\n> {note}" for note in quoted)]
    comparisons = read_frame(inputs.comparisons)
    write_text(outputs.csv, table.to_csv(index=False))
    write_text(outputs.details, details.to_csv(index=False))
    write_text(outputs.comparisons, comparisons.to_csv(index=False))
    write_text(outputs.markdown, "\n".join(markdown) + "\n")
    write_text(outputs.html, html_table(*layout, caption, warnings))
    write_text(outputs.latex, latex_table(*layout, caption, warnings, job.table))


def _caption(job: TableJob, values: pd.DataFrame, trainings: int) -> str:
    metric, name = job.metric.metric, job.metric.name
    slices, patients = values.slices[0], values.patients[0]
    sentences = [
        f"{metric.heading if job.metric.method == name and metric.heading else metric_name(name)}. "
        f"Computed on {slices} slices of {patients} patients: "
        f"{SUBSET_NAMES[metric.slices]}.",
        training_share(values),
        ON_TEST if "value_test" in values else "",
        metric.describe(job.task),
        reading_of_trainings(trainings),
        reading_of_intervals(metric, job.statistics, trainings),
        reading_of_letters(job.statistics, trainings) if (values.letters != "").any() else "",
    ]
    return " ".join(filter(None, sentences))


def _with_ceiling(
    table: pd.DataFrame, values: pd.DataFrame, names: Mapping[str, str], ceiling: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """Return rows, details and names with the ceiling: below the estimators, not compared."""
    shown = pd.concat([table, paper_table(ceiling.assign(letters=""))], ignore_index=True)
    ends = ["value", "value_low", "value_high"]
    of_ceiling = ceiling.set_index("variant")[ends].add_prefix("ceiling_")
    details = values.join(of_ceiling, on="variant")
    return shown, details, {**names, **dict.fromkeys(ceiling.estimator, PERFECT_MAP)}
