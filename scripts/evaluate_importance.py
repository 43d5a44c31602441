"""Rule evaluate_importance: one metric on the maps of one estimator."""

from ct_importance.errors import InputError
from ct_importance.io.slices import Shard, count_slices
from ct_importance.metrics.evaluate import evaluate_estimator
from ct_importance.metrics.metric import Context
from ct_importance.metrics.registry import load_metric
from ct_importance.metrics.subjects import read_subjects
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    metric = load_metric(snakemake.wildcards.metric)
    options = metric.Options.model_validate_json(snakemake.params.options)
    classifier, device = None, None
    if "classifier" in metric.NEEDS:
        from ct_importance.classifier.store import fuse_for_inference, load_classifier
        from ct_importance.compute.device import in_precision, make_deterministic, pick_device

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
