"""Rule evaluate_estimators: values, curves and comparisons by one metric, with intervals."""

import json

from ct_importance.io.slices import training_patients
from ct_importance.io.table_file import write_frame
from ct_importance.metrics.registry import load_metric
from ct_importance.statistics.estimates import evaluate_estimators, read_sums
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

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
