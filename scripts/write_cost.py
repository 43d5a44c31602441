"""Rule write_cost: seconds and gradients per slice of each estimator."""

from ct_importance.report.jobs import CostJob
from ct_importance.report.tables.cost import write_cost
from ct_importance.workflow.running import running

with running(snakemake, CostJob) as job:
    write_cost(
        job,
        snakemake.input.slices,
        snakemake.output.csv,
        snakemake.output.markdown,
        snakemake.output.html,
    )
