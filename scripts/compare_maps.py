"""Rule compare_maps: how alike the maps of an estimator are in several trainings."""

from ct_importance.statistics.jobs import SimilarityJob
from ct_importance.statistics.similarity import write_similarity
from ct_importance.workflow.running import running

with running(snakemake, SimilarityJob) as job:
    write_similarity(job, snakemake.input.slices, snakemake.input.maps, snakemake.output.similarity)
