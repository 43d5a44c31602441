"""Rule collect_rejected: one table of every file that was set aside, with the reason."""

import pyarrow.parquet as pq

from scripts.cohort.slice_entry import write_rejected
from scripts.job import job_log

with job_log(snakemake.log[0]):
    rejected = {}
    for path in [*snakemake.input.stages, *snakemake.input.patients]:
        for row in pq.read_table(path).to_pylist():
            rejected[row["path"]] = row["reason"]
    write_rejected(snakemake.output.rejected, rejected)
