"""Rule share_passes: passes that several estimators share, for every slice to be explained."""

from ct_importance.saliency.explain import share_passes
from ct_importance.saliency.jobs import SharedJob
from ct_importance.workflow.running import running

with running(snakemake, SharedJob) as job:
    share_passes(
        job,
        snakemake.input.classifier,
        snakemake.input.slices,
        snakemake.input.predictions or None,
        snakemake.output.maps,
        snakemake.threads,
    )
