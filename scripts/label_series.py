"""Rule label_series: give each series its label, and list where sources disagree."""

from ct_importance.cohort.jobs import LabelJob
from ct_importance.cohort.labels.series import write_labels
from ct_importance.workflow.running import running

with running(snakemake, LabelJob) as job:
    write_labels(
        job,
        snakemake.input.index,
        snakemake.output.labels,
        snakemake.output.disagreements,
        snakemake.output.summary,
    )
