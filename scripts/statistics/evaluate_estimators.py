"""Rule evaluate_estimators: values, curves and comparisons by one metric, with intervals."""

import json

from scripts.job import job_log
from scripts.metrics.registry import load_metric
from scripts.slices import training_patients
from scripts.statistics.evaluation import evaluate_estimators, read_sums
from scripts.statistics.options import StatisticsOptions
from scripts.table_file import write_frame

with job_log(snakemake.log[0]):
    metric = load_metric(snakemake.wildcards.metric)
    estimators = json.loads(snakemake.params.estimators)
    tables = dict(zip(estimators, snakemake.input.points, strict=True))
    found = evaluate_estimators(
        metric,
        read_sums(metric, tables),
        StatisticsOptions.model_validate_json(snakemake.params.options),
        snakemake.params.seed,
        training_patients(snakemake.input.slices),
    )
    for name in ("values", "curves", "comparisons"):
        write_frame(snakemake.output[name], getattr(found, name))
