"""Rule evaluate_importance: one metric on the maps of one estimator."""

from ct_importance.metrics.evaluate import evaluate_maps
from ct_importance.metrics.jobs import EvaluationFiles, EvaluationJob
from ct_importance.workflow.running import running

with running(snakemake, EvaluationJob) as job:
    files = EvaluationFiles(**{name: path or None for name, path in snakemake.input.items()})
    evaluate_maps(job, files, snakemake.output.points, snakemake.threads)
