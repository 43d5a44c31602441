"""Rule collect_slices: a list of the slices of all patients, and a table of the files set aside."""

from ct_importance.cohort.slice_entry import join_rejected
from ct_importance.io.slices import join_slice_lists
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    join_slice_lists(snakemake.output.slices, snakemake.input.slices)
    tables = [*snakemake.input.stages, *snakemake.input.rejected]
    join_rejected(snakemake.output.rejected, tables)
