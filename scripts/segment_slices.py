"""Rule segment_slices: the XRAI segments of each annotated slice, once for all estimators."""

from ct_importance.metrics.xrai.table import write_segments
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    write_segments(snakemake.input.slices, snakemake.output.segments, snakemake.threads)
