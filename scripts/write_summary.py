"""Rule write_summary: what the run is and says, for people, for programs and for the report."""

import json
from dataclasses import fields

from ct_importance.metrics.jobs import read_metrics
from ct_importance.report.outcome import RunFiles, write_summary
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    write_summary(
        json.loads(snakemake.params.config),
        read_metrics(snakemake.params.metrics),
        RunFiles(**{it.name: snakemake.input[it.name] for it in fields(RunFiles)}),
        snakemake.output.json,
        snakemake.output.readme,
        snakemake.output.landing,
    )
