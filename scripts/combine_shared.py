"""Rule combine_shared: the importance maps of an estimator whose passes are all shared."""

from ct_importance.saliency.explain import combine_shared
from ct_importance.saliency.jobs import CombineJob
from ct_importance.workflow.running import running

with running(snakemake, CombineJob) as job:
    given = snakemake.input
    combine_shared(job, given.shared, given.segments or None, snakemake.output.maps)
