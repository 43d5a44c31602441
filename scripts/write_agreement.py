"""Rule write_agreement: how the metrics rank the estimators, in words and numbers."""

from ct_importance.report.jobs import AgreementJob
from ct_importance.report.tables.agreement import write_agreement
from ct_importance.workflow.running import running

with running(snakemake, AgreementJob) as job:
    write_agreement(
        job,
        snakemake.input.ranks,
        snakemake.input.taus,
        snakemake.input.together,
        snakemake.output.ranks,
        snakemake.output.taus,
        snakemake.output.markdown,
        snakemake.output.html,
    )
