"""Rule write_cost: passes and seconds per slice of each estimator, how complete its maps are."""

from ct_importance.report.jobs import CostJob
from ct_importance.report.tables.cost import write_cost
from ct_importance.workflow.running import running

with running(snakemake, CostJob) as job:
    write_cost(
        job,
        snakemake.input.slices,
        snakemake.input.complete,
        snakemake.output.csv,
        snakemake.output.markdown,
        snakemake.output.html,
    )
