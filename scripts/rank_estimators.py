"""Rule rank_estimators: how each metric ranks the estimators, and how far the metrics agree."""

from ct_importance.statistics.jobs import RankingJob
from ct_importance.statistics.results import write_ranks
from ct_importance.workflow.running import running

with running(snakemake, RankingJob) as job:
    write_ranks(
        job,
        snakemake.input.points,
        snakemake.input.comparisons,
        snakemake.input.sanity,
        snakemake.output.ranks,
        snakemake.output.taus,
        snakemake.output.together,
    )
