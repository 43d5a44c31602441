"""Rule write_stability: how much depends on the training of the classifier."""

from ct_importance.report.jobs import StabilityJob
from ct_importance.report.tables.stability import write_stability
from ct_importance.workflow.running import running

with running(snakemake, StabilityJob) as job:
    write_stability(
        job,
        snakemake.input.values,
        snakemake.input.components,
        snakemake.input.similarity,
        snakemake.output.csv,
        snakemake.output.markdown,
        snakemake.output.html,
    )
