"""Rule collect_slices: a list of the slices of all patients, and a table of the files set aside."""

from ct_importance.cohort.slice_entry import join_rejected
from ct_importance.io.slices import write_slice_list
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    write_slice_list(snakemake.output.slices, snakemake.input.slices)
    tables = [*snakemake.input.stages, *snakemake.input.patients]
    join_rejected(snakemake.output.rejected, tables)
