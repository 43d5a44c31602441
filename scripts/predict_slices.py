"""Rule predict_slices: what the classifier answers to every slice, and to black and white."""

from ct_importance.classifier.jobs import PredictionJob
from ct_importance.classifier.predictions import predict_slices
from ct_importance.workflow.running import running

with running(snakemake, PredictionJob) as job:
    predict_slices(
        job,
        snakemake.input.classifier,
        snakemake.input.graph,
        snakemake.input.slices,
        snakemake.output.predictions,
        snakemake.output.evaluation,
        snakemake.threads,
    )
