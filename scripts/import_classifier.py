"""Rule import_classifier: check a trained model of the user and take it over."""

from ct_importance.classifier.jobs import ImportJob
from ct_importance.classifier.store import import_classifier
from ct_importance.workflow.running import running

with running(snakemake, ImportJob) as job:
    import_classifier(job, snakemake.output.classifier)
