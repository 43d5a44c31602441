"""Rule train_classifier: train a classifier on the slices of the training patients."""

from ct_importance.classifier.jobs import TrainingJob
from ct_importance.compute.device import make_deterministic
from ct_importance.workflow.running import running

with running(snakemake, TrainingJob) as job:
    make_deterministic(snakemake.threads)
    job.source.train(
        snakemake.input.slices,
        job.preparation,
        job.seed,
        snakemake.output.classifier,
        snakemake.output.training,
    )
