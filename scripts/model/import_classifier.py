"""Rule import_classifier: check a trained model of the user and take it over."""

from scripts.cohort.options import ExtractionOptions
from scripts.job import job_log
from scripts.model.classifier import import_weights, save_classifier

with job_log(snakemake.log[0]):
    preparation = ExtractionOptions.model_validate_json(snakemake.params.preparation)
    network = import_weights(
        snakemake.params.weights, preparation.image_size, preparation.hu_window
    )
    save_classifier(
        snakemake.output.classifier, network, preparation.image_size, preparation.hu_window
    )
