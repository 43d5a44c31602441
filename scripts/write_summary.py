"""Rule write_summary: what the run is and says, for people, for programs and for the report."""

from dataclasses import fields

from ct_importance.report.jobs import SummaryJob
from ct_importance.report.summary import RunFiles, write_summary
from ct_importance.workflow.running import running

with running(snakemake, SummaryJob) as job:
    write_summary(
        job,
        RunFiles(**{it.name: snakemake.input[it.name] for it in fields(RunFiles)}),
        snakemake.output.json,
        snakemake.output.readme,
        snakemake.output.landing,
    )
