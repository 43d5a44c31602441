"""Rule estimate_values: values, curves and comparisons by one metric, with intervals."""

from ct_importance.statistics.jobs import EstimationJob
from ct_importance.statistics.results import write_values
from ct_importance.workflow.running import running

with running(snakemake, EstimationJob) as job:
    tables = {name: snakemake.output[name] for name in ("values", "curves", "comparisons")}
    write_values(job, snakemake.input.points, snakemake.input.slices, tables)
