"""Rule compare_classifiers: how all classifiers rank the estimators, and how far they agree."""

from ct_importance.statistics.jobs import ConcordanceJob
from ct_importance.statistics.results import write_concordance
from ct_importance.workflow.running import running

with running(snakemake, ConcordanceJob) as job:
    write_concordance(
        job,
        snakemake.input.points,
        snakemake.input.ranks,
        snakemake.output.ranks,
        snakemake.output.agreement,
    )
