"""Rule join_shards: one table out of those of several jobs that divided the slices."""

from ct_importance.io.image_table import TableWriter, read_batches
from ct_importance.io.table_file import read_schema
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    schema = read_schema(snakemake.input.shards[0])
    with TableWriter(snakemake.output.table, schema) as writer:
        for shard in snakemake.input.shards:
            for batch in read_batches(shard):
                writer.write(batch)
