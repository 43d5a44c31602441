"""Rule collect_slices: a list of the slices of all patients, and a table of the files set aside."""

from scripts.cohort.slice_entry import write_rejected
from scripts.job import job_log
from scripts.slices import write_slice_list
from scripts.table_file import read_table

with job_log(snakemake.log[0]):
    write_slice_list(snakemake.output.slices, snakemake.input.slices)
    rejected = {}
    for path in [*snakemake.input.stages, *snakemake.input.patients]:
        for row in read_table(path).to_pylist():
            rejected[row["path"]] = row["reason"]
    write_rejected(snakemake.output.rejected, rejected)
