"""Rule compute_importance: the importance maps of an estimator that takes passes of its own."""

from ct_importance.saliency.explain import explain_slices
from ct_importance.saliency.jobs import Files, ImportanceJob
from ct_importance.workflow.running import running

with running(snakemake, ImportanceJob) as job:
    files = Files(**{name: path or None for name, path in snakemake.input.items()})
    explain_slices(job, files, snakemake.output.maps, snakemake.threads)
