"""One of Tables 1-3 in every format, with the numbers and comparisons behind it."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.metric import Metric
from ct_importance.report.jobs import TableJob
from ct_importance.report.markup import escape_markdown
from ct_importance.report.names import (
    CEILINGS,
    READING_OF_CONTROLS,
    READING_OF_READERS,
    SUBSET_NAMES,
    marked_name,
    metric_name,
)
from ct_importance.report.tables.formats import (
    html_table,
    latex_table,
    markdown_table,
    paper_table,
)
from ct_importance.report.tables.notes import (
    reading_of_chance,
    reading_of_intervals,
    reading_of_letters,
    reading_of_parts,
    reading_of_trainings,
    table_warnings,
    training_share,
)
from ct_importance.task import Task

logger = logging.getLogger(__name__)


ON_TEST = "Values on slices of test patients alone are in the details (value_test)."


@dataclass(frozen=True)
class TableInputs:
    """What a table is made from."""

    values: StrPath
    comparisons: StrPath
    ceilings: Sequence[StrPath]
    """What a perfect map reaches, and the readers against each other, where that is a question."""
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
    found = [read_frame(path).reindex(columns=values.columns) for path in inputs.ceilings]
    ceiling = pd.concat(found, ignore_index=True) if found else None
    table = _with_classes(values, job.task, metric)
    has_readers = ceiling is not None and (ceiling.estimator == "readers").any()
    shows = _shows(job, values)
    reading = _reading(job, values, len(inputs.evaluations), has_readers)
    caption = " ".join([shows, *reading])
    trainings = [json.loads(Path(path).read_text()) for path in inputs.evaluations]
    notes = table_warnings(job.metric, job.statistics, job.task, values, trainings)
    warnings = [f"Warning: {text}" for text in notes]
    for text in warnings:
        logger.warning("%s", text)
    names = {estimator: marked_name(estimator, job.controls) for estimator in table.estimator}
    details = values
    if ceiling is not None:
        names |= CEILINGS
        for estimator, prefix in {"mask": "ceiling_", "readers": "readers_"}.items():
            details = _beside(details, ceiling[ceiling.estimator == estimator], prefix)
    layout = (_shown(values, ceiling, job.task, metric), names, metric.unit, metric.decimals)
    title, *quoted = map(escape_markdown, [caption, *warnings])
    markdown = [f"**{title}**", "", *markdown_table(*layout), *(f"\n> {note}" for note in quoted)]
    comparisons = read_frame(inputs.comparisons)
    write_text(outputs.csv, table.to_csv(index=False))
    write_text(outputs.details, details.to_csv(index=False))
    write_text(outputs.comparisons, comparisons.to_csv(index=False))
    write_text(outputs.markdown, "\n".join(markdown) + "\n")
    write_text(outputs.html, html_table(*layout, caption, warnings))
    write_text(outputs.latex, latex_table(*layout, shows, [*reading, *warnings], job.table))


def _beside(values: pd.DataFrame, ceiling: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Return values with what can be reached beside them, if there is something."""
    ends = ["value", "value_low", "value_high"]
    own = ceiling.set_index("variant")[ends].add_prefix(prefix)
    return values if own.empty else values.join(own, on="variant")


def _shows(job: TableJob, values: pd.DataFrame) -> str:
    """Return what a table shows, and of which slices."""
    metric, name = job.metric.metric, job.metric.name
    slices, patients = values.slices[0], values.patients[0]
    return (
        f"{metric.heading if job.metric.method == name and metric.heading else metric_name(name)}. "
        f"Computed on {slices} slices of {patients} patients: "
        f"{SUBSET_NAMES[metric.slices]}."
    )


def _reading(job: TableJob, values: pd.DataFrame, trainings: int, has_readers: bool) -> list[str]:
    """Return how to read a table."""
    metric = job.metric.metric
    sentences = [
        training_share(values),
        ON_TEST if "value_test" in values else "",
        reading_of_parts(metric) if _parts(values, job.task) else "",
        metric.describe(job.task),
        READING_OF_READERS if has_readers else "",
        reading_of_chance(metric, values),
        reading_of_trainings(trainings),
        reading_of_intervals(metric, job.statistics, trainings),
        reading_of_letters(job.statistics, trainings) if (values.letters != "").any() else "",
        READING_OF_CONTROLS if values.estimator.isin(job.controls).any() else "",
    ]
    return list(filter(None, sentences))


def _parts(values: pd.DataFrame, task: Task) -> dict[str, str]:
    """Return the classes that have a part of the table, by the end of their columns.

    Of two classes, the values of each stand in the details alone.
    """
    classes = dict(zip(task.columns, task.classes, strict=True))
    return {
        column: title
        for column, title in classes.items()
        if len(classes) > 2 and f"value_{column}" in values
    }


def _of_class(values: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the values of one class, as `paper_table` takes them; they are not compared."""
    own = {f"value_{column}{end}": f"value{end}" for end in ("", "_low", "_high")}
    return values[["estimator", "variant", *own]].rename(columns=own).assign(letters="")


def _with_classes(values: pd.DataFrame, task: Task, metric: Metric) -> pd.DataFrame:
    """Return a row per estimator, and of more than two classes the values of each beside it."""
    table = paper_table(values, metric.higher_is_better)
    for column in _parts(values, task):
        part = paper_table(_of_class(values, column)).set_index("estimator")
        part = part[[name for name in part if not name.endswith("_letters")]]
        part.columns = part.columns.str.replace("^[a-z]+", rf"\g<0>_{column}", regex=True)
        table = table.join(part, on="estimator")
    return table


def _shown(
    values: pd.DataFrame, ceiling: pd.DataFrame | None, task: Task, metric: Metric
) -> pd.DataFrame:
    """Return the printed rows: of the whole, then of each of more than two classes.

    The ceiling stands below the estimators, and is not compared.
    """
    parts = {"Mean of the classes" if metric.balanced else "All slices": values}
    ceilings = [None if ceiling is None else ceiling.assign(letters="")]
    for column, title in _parts(values, task).items():
        parts[f'Class "{title}"'] = _of_class(values, column)
        ceilings.append(None if ceiling is None else _of_class(ceiling, column))
    tables = []
    for (title, part), perfect in zip(parts.items(), ceilings, strict=True):
        below = [] if perfect is None else [paper_table(perfect)]
        own = pd.concat([paper_table(part, metric.higher_is_better), *below], ignore_index=True)
        tables.append(own.assign(part=title) if len(parts) > 1 else own)
    return pd.concat(tables, ignore_index=True)
