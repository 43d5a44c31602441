"""Rule train_classifier: train the ResNet-50 on the slices of the training patients."""

from ct_importance.classifier.fitting import fit_classifier
from ct_importance.classifier.jobs import TrainingJob
from ct_importance.workflow.running import running

with running(snakemake, TrainingJob) as job:
    fit_classifier(
        job,
        snakemake.input.slices,
        snakemake.output.classifier,
        snakemake.output.training,
        snakemake.threads,
    )
