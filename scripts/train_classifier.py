"""Rule train_classifier: train the ResNet-50 on the slices of the training patients."""

import pyarrow as pa

from ct_importance.classifier.options import TrainingOptions
from ct_importance.classifier.store import save_classifier
from ct_importance.classifier.training import train_classifier
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.compute.device import make_deterministic, pick_device
from ct_importance.io.image_table import write_table
from ct_importance.io.slices import load_images
from ct_importance.workflow.job import job_log

HISTORY_SCHEMA = pa.schema(
    [
        ("epoch", pa.int32()),
        ("learning_rate", pa.float64()),
        ("loss", pa.float64()),
        ("balanced_accuracy", pa.float64()),
        ("test_loss", pa.float64()),
        ("test_balanced_accuracy", pa.float64()),
    ]
)

with job_log(snakemake.log[0]):
    make_deterministic(snakemake.threads)
    preparation = ExtractionOptions.model_validate_json(snakemake.params.preparation)
    _, images, labels = load_images(snakemake.input.slices, "train")
    _, *test = load_images(snakemake.input.slices, "test")
    network, history = train_classifier(
        images,
        labels,
        TrainingOptions.model_validate_json(snakemake.params.options),
        snakemake.params.seed,
        pick_device(),
        test=tuple(test),
    )
    save_classifier(
        snakemake.output.classifier, network, preparation.image_size, preparation.hu_window
    )
    write_table(
        snakemake.output.training,
        HISTORY_SCHEMA,
        {name: [row[name] for row in history] for name in HISTORY_SCHEMA.names},
    )
