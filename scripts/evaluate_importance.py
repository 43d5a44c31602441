"""Rule evaluate_importance: one metric on the maps of one estimator."""

from ct_importance.metrics.evaluate import evaluate_maps
from ct_importance.metrics.jobs import EvaluationJob
from ct_importance.workflow.running import running

with running(snakemake, EvaluationJob) as job:
    evaluate_maps(
        job,
        snakemake.input.slices,
        snakemake.input.maps,
        snakemake.input.classifier or None,
        snakemake.input.graph or None,
        snakemake.input.segments or None,
        snakemake.output.points,
        snakemake.threads,
    )
