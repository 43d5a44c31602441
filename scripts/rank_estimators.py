"""Rule rank_estimators: how each metric ranks the estimators, and how far the metrics agree."""

import json

from ct_importance.io.table_file import read_frame, write_frame
from ct_importance.metrics.registry import load_metric
from ct_importance.statistics.agreement import rank_by_metrics
from ct_importance.statistics.estimates import read_sums
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    estimators = json.loads(snakemake.params.estimators)
    metrics = {name: load_metric(name) for name in json.loads(snakemake.params.metrics)}
    tables = iter(snakemake.input.points)
    sums = {
        name: read_sums(metric, {estimator: next(tables) for estimator in estimators})
        for name, metric in metrics.items()
    }
    found = rank_by_metrics(
        metrics,
        sums,
        dict(zip(metrics, map(read_frame, snakemake.input.comparisons), strict=True)),
        StatisticsOptions.model_validate_json(snakemake.params.options),
        snakemake.params.seed,
    )
    for name in ("ranks", "taus"):
        write_frame(snakemake.output[name], getattr(found, name))
