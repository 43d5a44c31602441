"""Rule rank_estimators: how each metric ranks the estimators, and how far the metrics agree."""

import json

from scripts.job import job_log
from scripts.metrics.registry import load_metric
from scripts.statistics.agreement import rank_by_metrics
from scripts.statistics.evaluation import read_sums
from scripts.statistics.options import StatisticsOptions
from scripts.table_file import read_frame, write_frame

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
