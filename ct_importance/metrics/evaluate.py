"""Evaluates one metric on all maps of one estimator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Shard, count_slices
from ct_importance.metrics.jobs import EvaluationFiles, EvaluationJob
from ct_importance.metrics.metric import Metric, Points, Probe, Sample
from ct_importance.metrics.readers import evaluate_against_each
from ct_importance.metrics.samples import read_samples
from ct_importance.metrics.variations.reading import with_others, with_scores, with_variations

VARIANTS = ("original", "absolute")
KEY_COLUMNS = {
    "slice_id": pa.string(),
    "patient_id": pa.string(),
    "label": pa.int8(),
    "variant": pa.string(),
}

Keys = tuple[str, str, int, str]
"""Values of `KEY_COLUMNS`."""


def points_schema(metric: Metric) -> pa.Schema:
    """Return the schema of a metric's table: one row per slice, variant and point."""
    columns = {name: pa.type_for_alias(kind) for name, kind in metric.point_columns.items()}
    fields = [
        pa.field(name, kind, nullable=False) for name, kind in (KEY_COLUMNS | columns).items()
    ]
    return pa.schema(fields)


def evaluate_estimator(
    metric: Metric,
    samples_with_maps: Iterable[tuple[Sample, np.ndarray]],
    probe: Probe,
    path: StrPath,
    what: str = "slices",
    total: int | None = None,
) -> None:
    """Evaluate an estimator's maps, as they are and as absolute values, and write the points.

    Slices are taken one at a time, so memory does not grow with their number.

    Args:
        metric: A metric.
        samples_with_maps: Slices and their importance maps (H, W).
        probe: What the metric needs beside them.
        path: The Parquet table to write, see `points_schema`.
        what: The work and its unit, for the progress shown.
        total: Number of slices, if known.

    Raises:
        InputError: If a slice cannot be evaluated; the message names it.
    """
    samples = progress(samples_with_maps, what, total)
    write_points(
        metric,
        (
            (sample, evaluate_slice(metric, sample, importance, probe))
            for sample, importance in samples
        ),
        path,
    )


def write_points(
    metric: Metric, evaluated: Iterable[tuple[Sample, dict[str, Points]]], path: StrPath
) -> None:
    """Write points of slices, one group of them at a time.

    Args:
        metric: A metric.
        evaluated: Slices, and their points by variant.
        path: The Parquet table to write, see `points_schema`.
    """
    with TableWriter(path, points_schema(metric)) as writer:
        for group in in_chunks(_with_keys(evaluated), ROWS_PER_GROUP * len(VARIANTS)):
            writer.write(_columns(group))


def evaluate_maps(
    job: EvaluationJob, files: EvaluationFiles, points: StrPath, threads: int
) -> None:
    """Write the points of one metric for the maps of one estimator.

    Args:
        job: What to compute.
        files: What it is computed from.
        points: The table to write.
        threads: CPU threads to use.

    Raises:
        InputError: If there is no slice, or one cannot be evaluated.
    """
    metric, shard = job.metric, Shard.parse(job.shard)
    probe = Probe(job.seed)
    if files.classifier is not None and files.graph is not None:
        probe = _asking(files.classifier, files.graph, job, threads)
    if not count_slices(files.slices, [metric.slices]):
        raise InputError(
            f"{job.name}: there is no slice to evaluate; see cohort/rejected.parquet for what was "
            "set aside, and the metric's key `slices` in the configuration"
        )
    evaluate_estimator(
        metric,
        _samples(metric, files, shard, job.seed),
        probe,
        points,
        what=f"{job.name} of {job.estimator}: slices",
        total=count_slices(files.slices, [metric.slices], shard),
    )


def _samples(
    metric: Metric, files: EvaluationFiles, shard: Shard, seed: int
) -> Iterable[tuple[Sample, np.ndarray]]:
    """Return slices with what the metric needs of them, and their maps."""
    samples = read_samples(metric, files.slices, [metric.slices], files.maps, files.segments, shard)
    if files.variations:
        samples = with_variations(samples, files.variations)
    if files.answers:
        samples = with_scores(samples, files.answers)
    if "others" in metric.needs:
        samples = with_others(samples, metric, files.slices, files.variations[-1], seed)
    return samples


def _asking(classifier: StrPath, graph: StrPath, job: EvaluationJob, threads: int) -> Probe:
    """Return a probe with the classifier of a file, on the device there is."""
    from ct_importance.classifier.forward.runtime import open_forward

    assert job.classifier is not None, "the job says which classifier is asked"
    assert job.fill is not None, "the job says what hides a class"
    source = job.classifier.source
    forward = open_forward(source, classifier, graph, threads)
    return Probe(job.seed, forward, job.fill, source.reading)


def evaluate_slice(
    metric: Metric, sample: Sample, importance: np.ndarray, probe: Probe
) -> dict[str, Points]:
    """Return a metric's points of one map, by variant; of several readers, means over them.

    Raises:
        InputError: If the slice or the map cannot be evaluated; the message names the slice.
    """
    try:
        _check(metric, sample, importance, probe)
        maps = {"original": importance}
        if (importance < 0).any() or _has_negatives(sample.variations):
            maps["absolute"] = np.abs(importance)
        points = evaluate_against_each(metric, sample, maps, probe)
    except InputError as error:
        raise InputError(f"slice {sample.slice_id}: {error}") from error
    # A map without negative values is its own absolute value.
    return {variant: points.get(variant, points["original"]) for variant in VARIANTS}


def _has_negatives(maps: np.ndarray | None) -> bool:
    return maps is not None and bool((maps < 0).any())


def _check(metric: Metric, sample: Sample, importance: np.ndarray, probe: Probe) -> None:
    given = {
        "classifier": probe.classifier,
        "image": sample.image,
        "mask": sample.mask,
        "segments": sample.segments,
        "variations": sample.variations,
        "scores": sample.scores,
        "others": sample.others,
    }
    for need in sorted(metric.needs):
        if given[need] is None:
            raise InputError(f"no {need} given, which the metric needs")
    for name in ("image", "mask", "segments"):
        pixels = getattr(sample, name)
        if pixels is not None and importance.shape != pixels.shape[-2:]:
            raise InputError(f"map of shape {importance.shape}, {name} of {pixels.shape[-2:]}")
    if not np.isfinite(importance).all():
        raise InputError("the importance map has values that are not finite")


def _with_keys(
    evaluated: Iterable[tuple[Sample, dict[str, Points]]],
) -> Iterator[tuple[Keys, Points]]:
    for sample, by_variant in evaluated:
        for variant, points in by_variant.items():
            # Not the sample: until its group is written, its segments would take megabytes.
            yield (sample.slice_id, sample.patient_id, sample.label, variant), points


def _columns(group: list[tuple[Keys, Points]]) -> dict[str, np.ndarray]:
    keys, points = zip(*group, strict=True)
    lengths = [len(next(iter(of_one.values()))) for of_one in points]
    key_columns = zip(*keys, strict=True)
    return {
        name: np.repeat(values, lengths)
        for name, values in zip(KEY_COLUMNS, key_columns, strict=True)
    } | {name: np.concatenate([of_one[name] for of_one in points]) for name in points[0]}
