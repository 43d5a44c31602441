"""Rule write_table: one of Tables 1-3, with the numbers and comparisons behind it."""

import json
import logging
from pathlib import Path

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.names import PERFECT_MAP, display_name, metric_name
from ct_importance.report.tables.formats import (
    SUBSET_NAMES,
    TITLES,
    escape_markdown,
    html_table,
    latex_table,
    markdown_table,
    paper_table,
)
from ct_importance.report.tables.notes import (
    reading_of_intervals,
    reading_of_letters,
    table_warnings,
    training_share,
)
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

ON_TEST = "Values on slices of test patients alone are in the details (value_test)."

with job_log(snakemake.log[0]):
    chosen = ChosenMetric.model_validate_json(snakemake.params.metric)
    metric = chosen.metric
    options = StatisticsOptions.model_validate_json(snakemake.params.options)
    stem = snakemake.wildcards.table
    values = read_frame(snakemake.input.values)
    table = paper_table(values, metric.higher_is_better)
    details = values
    slices, patients = values.slices[0], values.patients[0]
    sentences = [
        f"{TITLES.get(stem, metric_name(chosen.name))}. "
        f"Computed on {slices} slices of {patients} patients: "
        f"{SUBSET_NAMES[metric.slices]}.",
        training_share(values),
        ON_TEST if "value_test" in values else "",
        metric.describe(),
        reading_of_intervals(chosen.method, options),
        reading_of_letters(options) if (values.letters != "").any() else "",
    ]
    caption = " ".join(filter(None, sentences))
    evaluation = json.loads(Path(snakemake.input.evaluation).read_text())
    warnings = [f"Warning: {text}" for text in table_warnings(metric, values, evaluation, options)]
    for text in warnings:
        logging.warning("%s", text)
    names = {estimator: display_name(estimator) for estimator in table.estimator}
    shown = table
    if snakemake.input.ceiling:
        # Below the estimators and not compared with them.
        ceiling = read_frame(snakemake.input.ceiling[0])
        shown = pd.concat([table, paper_table(ceiling.assign(letters=""))], ignore_index=True)
        names |= dict.fromkeys(ceiling.estimator, PERFECT_MAP)
        ends = ["value", "value_low", "value_high"]
        of_ceiling = ceiling.set_index("variant")[ends].add_prefix("ceiling_")
        details = values.join(of_ceiling, on="variant")
    layout = (shown, names, metric.unit, metric.decimals)
    title, *quoted = map(escape_markdown, [caption, *warnings])
    markdown = [f"**{title}**", "", *markdown_table(*layout), *(f"\n> {note}" for note in quoted)]
    comparisons = read_frame(snakemake.input.comparisons)
    write_text(snakemake.output.csv, table.to_csv(index=False))
    write_text(snakemake.output.details, details.to_csv(index=False))
    write_text(snakemake.output.comparisons, comparisons.to_csv(index=False))
    write_text(snakemake.output.markdown, "\n".join(markdown) + "\n")
    write_text(snakemake.output.html, html_table(*layout, caption, warnings))
    write_text(snakemake.output.latex, latex_table(*layout, caption, warnings, stem))
