"""Rule import_classifier: check a classifier of the user and take it over."""

from ct_importance.classifier.jobs import ImportJob
from ct_importance.workflow.running import running

with running(snakemake, ImportJob) as job:
    job.source.take_over(job.preparation, snakemake.output.classifier)
