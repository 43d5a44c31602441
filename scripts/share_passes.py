"""Rule share_passes: gradients that several estimators share."""

from ct_importance.saliency.explain import share_passes
from ct_importance.saliency.jobs import Files, SharedJob
from ct_importance.workflow.running import running

with running(snakemake, SharedJob) as job:
    files = Files(**{name: path or None for name, path in snakemake.input.items()})
    share_passes(job, files, snakemake.output.maps, snakemake.threads)
