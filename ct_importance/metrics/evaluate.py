"""One metric on all maps of one estimator, slice by slice, into a table of points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from os import PathLike

import numpy as np
import pyarrow as pa

from ct_importance.compute.progress import progress
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter
from ct_importance.metrics.metric import Context, Metric, Points, Subject

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
    columns = {name: pa.type_for_alias(kind) for name, kind in metric.POINT_COLUMNS.items()}
    fields = [
        pa.field(name, kind, nullable=False) for name, kind in (KEY_COLUMNS | columns).items()
    ]
    return pa.schema(fields)


def evaluate_estimator(
    metric: Metric,
    subjects_with_maps: Iterable[tuple[Subject, np.ndarray]],
    context: Context,
    path: str | PathLike,
    what: str = "slices",
    total: int | None = None,
) -> None:
    """Evaluate an estimator's maps, as they are and as absolute values, and write the points.

    Slices are taken one at a time, so memory does not grow with their number.

    Args:
        metric: A metric module.
        subjects_with_maps: Slices and their importance maps (H, W).
        context: What the metric needs beside them.
        path: The Parquet table to write, see `points_schema`.
        what: The work and its unit, for the progress shown.
        total: Number of slices, if known.

    Raises:
        InputError: If a slice cannot be evaluated; the message names it.
    """
    schema = points_schema(metric)
    subjects = progress(subjects_with_maps, what, total)
    with TableWriter(path, schema) as writer:
        for group in _groups(_evaluate_slices(metric, subjects, context)):
            writer.write(_columns(group))


def evaluate_slice(
    metric: Metric, subject: Subject, importance: np.ndarray, context: Context
) -> dict[str, Points]:
    """Return a metric's points of one map, by variant.

    Raises:
        InputError: If the slice or the map cannot be evaluated; the message names the slice.
    """
    try:
        _check(metric, subject, importance, context)
        maps = {"original": importance}
        if (importance < 0).any():
            maps["absolute"] = np.abs(importance)
        points = metric.evaluate(subject, maps, context)
    except InputError as error:
        raise InputError(f"slice {subject.slice_id}: {error}") from error
    # A map without negative values is its own absolute value.
    return {variant: points.get(variant, points["original"]) for variant in VARIANTS}


def _check(metric: Metric, subject: Subject, importance: np.ndarray, context: Context) -> None:
    given = {
        "classifier": context.classifier,
        "image": subject.image,
        "mask": subject.mask,
        "segments": subject.segments,
    }
    for need in sorted(metric.NEEDS):
        if given[need] is None:
            raise InputError(f"no {need} given, which the metric needs")
    if "classifier" in metric.NEEDS and context.classifier.training:
        # Batch normalisation would make a logit depend on the other images of its batch.
        raise ValueError("the classifier must be in evaluation mode: call .eval()")
    for name in ("image", "mask", "segments"):
        pixels = getattr(subject, name)
        if pixels is not None and importance.shape != pixels.shape[-2:]:
            raise InputError(f"map of shape {importance.shape}, {name} of {pixels.shape[-2:]}")
    if not np.isfinite(importance).all():
        raise InputError("the importance map has values that are not finite")


def _evaluate_slices(
    metric: Metric, subjects: Iterable[tuple[Subject, np.ndarray]], context: Context
) -> Iterator[tuple[Keys, Points]]:
    for subject, importance in subjects:
        for variant, points in evaluate_slice(metric, subject, importance, context).items():
            # Not the subject: until its group is written, its segments would take megabytes.
            yield (subject.slice_id, subject.patient_id, subject.label, variant), points


def _groups(items: Iterator[tuple[Keys, Points]]) -> Iterator[list[tuple[Keys, Points]]]:
    size = ROWS_PER_GROUP * len(VARIANTS)
    while group := list(islice(items, size)):
        yield group


def _columns(group: list[tuple[Keys, Points]]) -> dict[str, np.ndarray]:
    keys, points = zip(*group, strict=True)
    lengths = [len(next(iter(of_one.values()))) for of_one in points]
    key_columns = zip(*keys, strict=True)
    return {
        name: np.repeat(values, lengths)
        for name, values in zip(KEY_COLUMNS, key_columns, strict=True)
    } | {name: np.concatenate([of_one[name] for of_one in points]) for name in points[0]}
