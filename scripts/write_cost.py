"""Rule write_cost: seconds and gradients per slice of each estimator."""

import json

from ct_importance.report.tables.cost import write_cost
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    write_cost(
        json.loads(snakemake.params.passes),
        json.loads(snakemake.params.benchmarks),
        snakemake.input.slices,
        json.loads(snakemake.params.subsets),
        snakemake.output.csv,
        snakemake.output.markdown,
        snakemake.output.html,
    )
