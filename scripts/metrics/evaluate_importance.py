"""Rule evaluate_importance: one metric on the maps of one estimator."""

from scripts.errors import InputError
from scripts.job import job_log
from scripts.metrics.contract import Context
from scripts.metrics.evaluate import evaluate_estimator
from scripts.metrics.registry import load_metric
from scripts.metrics.subjects import read_subjects
from scripts.slices import Shard, count_slices

with job_log(snakemake.log[0]):
    metric = load_metric(snakemake.wildcards.metric)
    options = metric.Options.model_validate_json(snakemake.params.options)
    classifier, device = None, None
    if "classifier" in metric.NEEDS:
        from scripts.device import in_precision, make_deterministic, pick_device
        from scripts.model.classifier import fuse_for_inference, load_classifier

        make_deterministic(snakemake.threads)
        device = pick_device()
        fused = fuse_for_inference(load_classifier(snakemake.input.classifier), device)
        classifier = in_precision(fused, snakemake.params.precision)
    slices, shard = snakemake.input.slices, Shard.parse(snakemake.params.shard)
    if not count_slices(slices, [options.slices]):
        raise InputError(
            f"{snakemake.wildcards.metric}: there is no slice to evaluate; see "
            "cohort/rejected.parquet for what was set aside, and the metric's key `slices` in the "
            "configuration"
        )
    evaluate_estimator(
        metric,
        read_subjects(
            metric,
            slices,
            [options.slices],
            snakemake.input.maps,
            snakemake.input.get("segments"),
            shard,
        ),
        Context(options, snakemake.params.seed, classifier, device),
        snakemake.output.points,
        what=f"{snakemake.wildcards.metric} of {snakemake.wildcards.estimator}: slices",
        total=count_slices(slices, [options.slices], shard),
    )
