"""Rule estimate_components: how far values vary by training and by patient."""

from ct_importance.statistics.jobs import EstimationJob
from ct_importance.statistics.results import write_components
from ct_importance.workflow.running import running

with running(snakemake, EstimationJob) as job:
    write_components(job, snakemake.input.points, snakemake.output.components)
