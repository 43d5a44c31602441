"""Rule evaluate_importance: one metric on the maps of one estimator."""

from collections.abc import Iterator, Sequence

import numpy as np

from scripts.errors import InputError
from scripts.image_table import read_rows
from scripts.job import job_log
from scripts.metrics.contract import Context, Subject
from scripts.metrics.evaluate import evaluate_estimator
from scripts.metrics.registry import load_metric
from scripts.metrics.segment_storage import unpack_segments
from scripts.slices import Shard, count_slices, iterate_slices, join_by_slice


def read_subjects(
    slices: str, subsets: Sequence[str], shard: Shard, maps: str, segments: str | None = None
) -> Iterator[tuple[Subject, np.ndarray]]:
    """Yield slices with what the metric needs of them, and their importance maps."""
    tables = [read_rows(maps)]
    if segments:
        tables.append(read_rows(segments))
    for row, map_row, *rest in join_by_slice(
        iterate_slices(slices, subsets, ["image", "mask"], shard), *tables
    ):
        keys = ("slice_id", "patient_id", "label", "image", "mask")
        subject = {key: row[key] for key in keys}
        if rest:
            subject["segments"] = unpack_segments(rest[0]["segments"], row["image"].shape)
        yield Subject(**subject), map_row["importance"]


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
            slices, [options.slices], shard, snakemake.input.maps, snakemake.input.get("segments")
        ),
        Context(options, snakemake.params.seed, classifier, device),
        snakemake.output.points,
        what=f"{snakemake.wildcards.metric} of {snakemake.wildcards.estimator}: slices",
        total=count_slices(slices, [options.slices], shard),
    )
