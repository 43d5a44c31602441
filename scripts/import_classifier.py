"""Rule import_classifier: check a trained model of the user and take it over."""

from ct_importance.classifier.store import import_weights, save_classifier
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.workflow.job import job_log

with job_log(snakemake.log[0]):
    preparation = ExtractionOptions.model_validate_json(snakemake.params.preparation)
    network = import_weights(
        snakemake.params.weights, preparation.image_size, preparation.hu_window
    )
    save_classifier(
        snakemake.output.classifier, network, preparation.image_size, preparation.hu_window
    )
