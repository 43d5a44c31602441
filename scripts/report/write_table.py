"""Rule write_table: one of Tables 1-3, with a table of the numbers behind it."""

import json
import logging
from pathlib import Path

import pandas as pd

from scripts.atomic import write_text
from scripts.job import job_log
from scripts.metrics.registry import load_metric
from scripts.report.names import display_name
from scripts.report.tables import (
    SUBSET_NAMES,
    TITLES,
    escape_markdown,
    html_table,
    latex_table,
    markdown_table,
    paper_table,
    summarise_metric,
)
from scripts.report.warnings_of_model import model_warnings

with job_log(snakemake.log[0]):
    metric = load_metric(snakemake.params.metric)
    estimators = json.loads(snakemake.params.estimators)
    stem = snakemake.wildcards.table
    points = dict(zip(estimators, snakemake.input.points, strict=True))
    summary = summarise_metric(metric, points)
    table = paper_table(summary)
    keys = pd.read_parquet(snakemake.input.points[0], columns=["slice_id", "patient_id"])
    caption = (
        f"{TITLES.get(stem, stem)}. Computed on {keys.slice_id.nunique()} slices of "
        f"{keys.patient_id.nunique()} patients: {SUBSET_NAMES[snakemake.params.slices]}."
    )
    evaluation = json.loads(Path(snakemake.input.evaluation).read_text())
    warnings = [f"Warning: {text}" for text in model_warnings(evaluation)]
    for text in warnings:
        logging.warning("%s", text)
    names = {estimator: display_name(estimator) for estimator in estimators}
    layout = (table, names, metric.VALUE_LABEL, metric.DECIMALS)
    title, *notes = map(escape_markdown, [caption, *warnings])
    markdown = [f"**{title}**", "", *markdown_table(*layout), *(f"\n> {note}" for note in notes)]
    write_text(snakemake.output.csv, table.to_csv(index=False))
    write_text(snakemake.output.details, summary.to_csv(index=False))
    write_text(snakemake.output.markdown, "\n".join(markdown) + "\n")
    write_text(snakemake.output.html, html_table(*layout, caption, warnings))
    write_text(snakemake.output.latex, latex_table(*layout, caption, warnings, stem))
