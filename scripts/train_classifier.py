"""Rule train_classifier: train the ResNet-50 on the slices of the training patients."""

import pyarrow as pa

from ct_importance.classifier.jobs import TrainingJob
from ct_importance.classifier.store import save_classifier
from ct_importance.classifier.training import train_classifier
from ct_importance.compute.device import make_deterministic, pick_device
from ct_importance.io.image_table import write_table
from ct_importance.io.slices import load_images
from ct_importance.workflow.running import running

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

with running(snakemake, TrainingJob) as job:
    make_deterministic(snakemake.threads)
    _, images, labels = load_images(snakemake.input.slices, "train")
    _, *test = load_images(snakemake.input.slices, "test")
    network, history = train_classifier(
        images,
        labels,
        job.options,
        job.seed,
        pick_device(),
        test=tuple(test),
    )
    save_classifier(
        snakemake.output.classifier, network, job.preparation.image_size, job.preparation.hu_window
    )
    write_table(
        snakemake.output.training,
        HISTORY_SCHEMA,
        {name: [row[name] for row in history] for name in HISTORY_SCHEMA.names},
    )
