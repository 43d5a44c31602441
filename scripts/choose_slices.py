"""Rule choose_slices: a list of some of the slices, of as many patients as possible."""

from ct_importance.cohort.jobs import ChoiceJob
from ct_importance.cohort.variations.choosing import choose_slices
from ct_importance.workflow.running import running

with running(snakemake, ChoiceJob) as job:
    choose_slices(job, snakemake.input.slices, snakemake.output.chosen)
