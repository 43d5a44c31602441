"""Rule find_chest: find which part of each series is chest, by the air in the lungs."""

from ct_importance.cohort.body_region import write_chests
from ct_importance.cohort.jobs import ChestJob
from ct_importance.workflow.running import running

with running(snakemake, ChestJob) as job:
    write_chests(job, snakemake.input.index, snakemake.output.chest, snakemake.threads)
