"""Rule write_table: one of Tables 1-3, with the numbers and comparisons behind it."""

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.tables.metric_table import TableInputs, TableOutputs, write_metric_table
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    given, made = snakemake.input, snakemake.output
    numbers = (made.csv, made.details, made.comparisons)
    ceiling = given.ceiling[0] if given.ceiling else None
    write_metric_table(
        snakemake.wildcards.table,
        ChosenMetric.model_validate_json(snakemake.params.metric),
        StatisticsOptions.model_validate_json(snakemake.params.options),
        TableInputs(given.values, given.comparisons, ceiling, given.evaluation),
        TableOutputs(*numbers, made.markdown, made.html, made.latex),
    )
