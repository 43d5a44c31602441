"""Rule compute_importance: the importance maps of an estimator that takes passes of its own."""

from ct_importance.saliency.explain import explain_slices
from ct_importance.saliency.jobs import ImportanceJob
from ct_importance.workflow.running import running

with running(snakemake, ImportanceJob) as job:
    explain_slices(
        job,
        snakemake.input.classifier,
        snakemake.input.slices,
        snakemake.input.predictions,
        snakemake.output.maps,
        snakemake.threads,
    )
