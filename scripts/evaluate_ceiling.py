"""Rule evaluate_ceiling: a metric on the mask itself, or on one reader's against the others'."""

from ct_importance.statistics.jobs import CeilingJob
from ct_importance.statistics.results import write_ceiling
from ct_importance.workflow.running import running

with running(snakemake, CeilingJob) as job:
    write_ceiling(
        job,
        snakemake.input.slices,
        snakemake.input.segments or None,
        snakemake.output.points,
        {name: snakemake.output[name] for name in ("values", "curves")},
    )
