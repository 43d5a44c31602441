"""Rule copy_slices: noisy copies of some of the slices."""

from ct_importance.cohort.jobs import CopyJob
from ct_importance.cohort.variations.copying import copy_slices
from ct_importance.workflow.running import running

with running(snakemake, CopyJob) as job:
    copy_slices(job, snakemake.input.chosen, snakemake.output.slices, snakemake.output.images)
