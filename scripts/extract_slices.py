"""Rule extract_slices: read, scale and resize the planned slices of one patient."""

from ct_importance.cohort.extraction import extract_plan
from ct_importance.cohort.jobs import ExtractionJob
from ct_importance.workflow.running import running

with running(snakemake, ExtractionJob) as job:
    extract_plan(job, snakemake.input.plan, snakemake.output.slices, snakemake.output.rejected)
