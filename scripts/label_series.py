"""Rule label_series: labels of series or of their slices, and where sources disagree."""

from ct_importance.cohort.jobs import LabelJob
from ct_importance.cohort.labels.writing import write_labels
from ct_importance.workflow.running import running

with running(snakemake, LabelJob) as job:
    write_labels(
        job,
        snakemake.input.index,
        snakemake.output.labels,
        snakemake.output.disagreements,
        snakemake.output.summary,
    )
