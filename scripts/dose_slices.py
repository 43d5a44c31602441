"""Rule dose_slices: lists of slices of which some have a sign, and of the opposite."""

from ct_importance.cohort.jobs import DoseJob
from ct_importance.cohort.planting.dosing import dose_slices
from ct_importance.workflow.running import running

with running(snakemake, DoseJob) as job:
    dose_slices(
        job,
        snakemake.input.plain,
        snakemake.input.planted,
        snakemake.output.slices,
        snakemake.output.toggled,
        snakemake.output.without,
    )
