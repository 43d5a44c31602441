"""Rule evaluate_ceiling: a metric of regions on a perfect map, the mask itself."""

from ct_importance.statistics.jobs import CeilingJob
from ct_importance.statistics.results import write_ceiling
from ct_importance.workflow.running import running

with running(snakemake, CeilingJob) as job:
    write_ceiling(
        job,
        snakemake.input.slices,
        snakemake.input.segments,
        snakemake.output.points,
        {name: snakemake.output[name] for name in ("values", "curves")},
    )
