"""Rule import_classifier: check a trained model of the user and take it over."""

from ct_importance.classifier.jobs import ImportJob
from ct_importance.classifier.store import import_weights, save_classifier
from ct_importance.workflow.running import running

with running(snakemake, ImportJob) as job:
    preparation = job.preparation
    network = import_weights(job.weights, preparation.image_size, preparation.hu_window)
    save_classifier(
        snakemake.output.classifier, network, preparation.image_size, preparation.hu_window
    )
