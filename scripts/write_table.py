"""Rule write_table: one of Tables 1-3, with the numbers and comparisons behind it."""

from ct_importance.report.jobs import TableJob
from ct_importance.report.tables.metric_table import TableInputs, TableOutputs, write_metric_table
from ct_importance.workflow.running import running

with running(snakemake, TableJob) as job:
    given, made = snakemake.input, snakemake.output
    numbers = (made.csv, made.details, made.comparisons)
    write_metric_table(
        job,
        TableInputs(given.values, given.comparisons, given.ceiling, given.evaluations),
        TableOutputs(*numbers, made.markdown, made.html, made.latex),
    )
