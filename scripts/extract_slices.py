"""Rule extract_slices: read, scale and resize the planned slices of a patient, or of several."""

from ct_importance.cohort.extraction import extract_patients
from ct_importance.cohort.jobs import ExtractionJob
from ct_importance.workflow.running import running

with running(snakemake, ExtractionJob) as job:
    extract_patients(job, snakemake.input.plans, snakemake.output.slices, snakemake.output.rejected)
