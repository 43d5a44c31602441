"""Rule write_agreement: how the metrics rank the estimators, in words and numbers."""

from ct_importance.metrics.jobs import read_metrics
from ct_importance.report.tables.agreement import write_agreement
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    write_agreement(
        read_metrics(snakemake.params.metrics),
        StatisticsOptions.model_validate_json(snakemake.params.options),
        snakemake.input.ranks,
        snakemake.input.taus,
        snakemake.output.ranks,
        snakemake.output.taus,
        snakemake.output.markdown,
        snakemake.output.html,
    )
