"""Rule evaluate_ceiling: a metric of regions on a perfect map, the mask itself.

Regions are those of the slice: even a map that is the mask does not reach 1.
"""

from ct_importance.io.slices import count_slices
from ct_importance.io.table_file import write_frame
from ct_importance.metrics.evaluate import evaluate_estimator
from ct_importance.metrics.metric import Context
from ct_importance.metrics.registry import load_metric
from ct_importance.metrics.subjects import read_subjects
from ct_importance.statistics.estimates import evaluate_estimators, read_sums
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    metric = load_metric(snakemake.wildcards.metric)
    options = metric.Options.model_validate_json(snakemake.params.options)
    slices, subsets, seed = snakemake.input.slices, [options.slices], snakemake.params.seed
    evaluate_estimator(
        metric,
        read_subjects(metric, slices, subsets, None, snakemake.input.segments),
        Context(options, seed),
        snakemake.output.points,
        what=f"{snakemake.wildcards.metric} of a perfect map: slices",
        total=count_slices(slices, subsets),
    )
    found = evaluate_estimators(
        metric,
        read_sums(metric, {"mask": snakemake.output.points}),
        StatisticsOptions.model_validate_json(snakemake.params.statistics),
        seed,
    )
    for name in ("values", "curves"):
        write_frame(snakemake.output[name], getattr(found, name))
