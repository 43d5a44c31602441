"""Rule segment_slices: the XRAI segments of slices, once for all that needs them."""

from ct_importance.saliency.jobs import SegmentJob
from ct_importance.saliency.xrai.table import write_segments
from ct_importance.workflow.running import running

with running(snakemake, SegmentJob) as job:
    write_segments(job, snakemake.input.slices, snakemake.output.segments, snakemake.threads)
