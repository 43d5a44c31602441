"""Rules summarise_cohort and summarise_plan: count what stages kept, and why the rest was not."""

from ct_importance.cohort.jobs import SummaryJob
from ct_importance.cohort.summary import StageFiles, write_summary
from ct_importance.workflow.running import running

with running(snakemake, SummaryJob) as job:
    given = snakemake.input
    files = StageFiles(
        headers=given.headers,
        index=given.index,
        labels=given.labels,
        chest=given.chest[0] if given.get("chest") else None,
        planned=given.planned,
        not_indexed=given.not_indexed,
        rejected=given.rejected,
        slices=given.get("slices"),
    )
    write_summary(job, files, snakemake.output.summary)
