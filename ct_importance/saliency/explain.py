"""Computes and writes the importance maps of slices, for every estimator."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import tee
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.errors import InputError
from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter, image_field
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import read_together
from ct_importance.plugins import load
from ct_importance.saliency.completeness import DIFFERENCE, Completeness, Differences
from ct_importance.saliency.estimator import Batch, Estimator, Shared
from ct_importance.saliency.jobs import CombineJob, Files, ImportanceJob, MapsJob, SharedJob
from ct_importance.saliency.xrai.storage import read_segments

if TYPE_CHECKING:
    import torch

logger = logging.getLogger(__name__)

Arrays = Mapping[str, np.ndarray]
Importance: TypeAlias = "torch.Tensor | NDArray[np.float32]"


def explain_slices(
    job: ImportanceJob,
    files: Files,
    maps: StrPath,
    threads: int,
) -> None:
    """Write the importance maps of an estimator.

    Args:
        job: What to compute.
        files: What it is computed from.
        maps: The table to write: slice_id, importance (*space); of a complete estimator also what
            maps are to sum up to, and how far they are from it (`Completeness.columns`).
        threads: CPU threads to use.

    Raises:
        InputError: If the estimator cannot be right for this classifier.
    """
    from ct_importance.saliency.workload import prepare_batches

    estimator = job.estimator
    batches, total = prepare_batches(job, job.name, estimator, files, threads)
    check = Completeness(estimator)
    with TableWriter(maps, _maps_schema(job, check)) as writer:
        for batch in progress(batches, f"{job.name}: batches of slices", total):
            importance = maps_of(estimator, batch)
            columns = check.columns(batch, importance)
            writer.write({"slice_id": batch.slice_ids, "importance": importance, **columns})


def share_passes(
    job: SharedJob,
    files: Files,
    maps: StrPath,
    threads: int,
) -> None:
    """Write the maps of work that several estimators share.

    Args:
        job: What to compute.
        files: What it is computed from.
        maps: The table to write: slice_id, each of its maps (C, *space) and, of complete work, the
            difference of scores that they are to sum up to.
        threads: CPU threads to use.
    """
    from ct_importance.saliency.workload import prepare_batches

    work = load("shared", job.kind)(**job.options)
    batches, total = prepare_batches(job, job.kind, work, files, threads)
    found = compute_shared(work, batches)
    fields = [pa.field("slice_id", pa.string()), *([DIFFERENCE] if work.is_complete else [])]
    schema = pa.schema([*fields, *(image_field(name, job.image_shape) for name in work.maps)])
    with TableWriter(maps, schema) as writer:
        for slice_ids, arrays in progress(found, f"{work.name}: batches of slices", total):
            writer.write({"slice_id": slice_ids, **arrays})


def combine_shared(
    job: CombineJob, tables: Sequence[StrPath], segments: StrPath | None, maps: StrPath
) -> None:
    """Write the importance maps of an estimator, out of the tables of the work it shares.

    Args:
        job: What to combine.
        tables: One per entry of `Estimator.shared`, in that order; all hold the same slices.
        segments: The table of segments, if the estimator needs them.
        maps: The table to write, see `explain_slices`.
    """
    estimator = job.estimator
    names = list(estimator.works)
    slices: Iterator[tuple[str, dict[str, Arrays]]] = (
        (slice_id, dict(zip(names, rows, strict=True))) for slice_id, rows in read_together(tables)
    )
    of_slices = None
    if segments is not None:
        slices, again = tee(slices)
        ids = ({"slice_id": slice_id} for slice_id, _ in again)
        of_slices = read_segments(ids, segments, job.image_shape[1:])
    found = combine_maps(estimator, job.name, job.seed, slices, of_slices)
    with TableWriter(maps, _maps_schema(job, Completeness(estimator))) as writer:
        for group in in_chunks(found, ROWS_PER_GROUP):
            writer.write({name: [row[name] for row in group] for name in group[0]})


def compute_maps(
    estimator: Estimator, batches: Iterable[Batch]
) -> Iterator[tuple[Sequence[str], np.ndarray]]:
    """Yield the importance maps of batches of slices.

    Yields:
        Slice ids of a batch and their maps (n, *space), float32.

    Raises:
        InputError: If a map has a value that is not finite, a slice has no prediction, or the
            estimator needs training slices and there are none.
    """
    for batch in batches:
        yield batch.slice_ids, maps_of(estimator, batch)


def maps_of(estimator: Estimator, batch: Batch) -> NDArray[np.float32]:
    """Return the importance maps (N, *space) of a batch of slices, see `compute_maps`."""
    importance = importance_of(estimator, batch)
    if importance.shape != batch.images.shape:
        raise ValueError(
            f"{batch.name}: maps of {tuple(importance.shape)}, "
            f"images of {tuple(batch.images.shape)}"
        )
    maps = finished(estimator, as_array(importance).sum(axis=1))
    check_maps(batch.name, batch.slice_ids, maps)
    return maps


def importance_of(estimator: Estimator, batch: Batch) -> Importance:
    """Return the maps (N, C, *space) of an estimator, its shared work done on the way."""
    if estimator.smooth:
        from ct_importance.saliency.smoothing import mean_over_copies

        inner = estimator.model_copy(update={"smooth": None})
        smoothed: Importance = mean_over_copies(
            estimator.smooth, batch, lambda copy: importance_of(inner, copy)
        )
        return smoothed
    shared = {
        name: work.compute(replace(batch, name=work.kind))
        for name, work in estimator.shared().items()
    }
    return estimator.attribute(batch, **shared)


def compute_shared(
    work: Shared, batches: Iterable[Batch]
) -> Iterator[tuple[Sequence[str], dict[str, np.ndarray]]]:
    """Yield the maps that shared work gives of batches of slices.

    Yields:
        Slice ids of a batch and maps (n, C, *space), float32, by name; of complete work also their
        ``difference`` (n,).

    Raises:
        InputError: If a map has a value that is not finite.
    """
    differences = Differences(work)
    for batch in batches:
        maps: dict[str, NDArray[Any]] = {
            name: as_array(values) for name, values in work.compute(batch).items()
        }
        for values in maps.values():
            check_maps(work.name, batch.slice_ids, values)
        if work.is_complete:
            maps[DIFFERENCE.name] = differences.of(batch)
        yield batch.slice_ids, maps


def combine_maps(
    estimator: Estimator,
    name: str,
    seed: int,
    slices: Iterable[tuple[str, dict[str, Arrays]]],
    segments: Iterator[NDArray[np.bool_]] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the row of each slice in the table of maps, out of the maps of shared work.

    Args:
        estimator: The estimator.
        name: Of its entry in config.yaml.
        seed: Of the run.
        slices: Pairs of a slice id and, by the names of `Estimator.shared`, maps (C, *space) by
            name.
        segments: Of each slice in turn, if the estimator needs them.

    Yields:
        ``slice_id``, ``importance`` (*space) float32, and the columns of `Completeness`.

    Raises:
        InputError: If a map has a value that is not finite.
    """
    absent: Any = None  # images, targets and scores
    check = Completeness(estimator)
    for slice_id, shared in slices:
        # Arrays serve as tensors: nothing is left to do but arithmetic, and torch takes seconds.
        own = [next(segments)] if segments else None
        batch = Batch(name, seed, [slice_id], absent, absent, absent, 1, segments=own)
        whole: Any = {
            key: {what: np.asarray(values)[None] for what, values in maps.items()}
            for key, maps in shared.items()
        }
        importance: Any = estimator.attribute(batch, **whole)
        maps = finished(estimator, importance.sum(axis=1))
        check_maps(name, [slice_id], maps)
        row = {"slice_id": slice_id, "importance": maps[0]}
        if estimator.is_complete:
            of_works = {key: found[DIFFERENCE.name] for key, found in whole.items()}
            columns = check.combined(batch, of_works, maps)
            row |= {what: float(values[0]) for what, values in columns.items()}
        yield row


def finished(estimator: Estimator, maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return maps (n, *space), blurred if the estimator's maps are."""
    if estimator.blur is None:
        return maps
    from scipy.ndimage import gaussian_filter

    axes = tuple(range(1, maps.ndim))
    blurred: NDArray[np.float32] = gaussian_filter(maps, estimator.blur, axes=axes, mode="nearest")
    return blurred


def check_maps(name: str, slice_ids: Sequence[str], maps: np.ndarray) -> None:
    """Warn of constant maps (n, ...).

    Raises:
        InputError: If a value is not finite.
    """
    for slice_id, importance in zip(slice_ids, maps, strict=True):
        if not np.isfinite(importance).all():
            raise InputError(
                f"{name}: the importance map of slice {slice_id} has values that are not finite; "
                "check the slice and the weights of the classifier"
            )
        if importance.min() == importance.max():
            logger.warning(
                "%s: the importance map of slice %s is constant (%g); with target: probability a "
                "saturated sigmoid does that, target: logit does not",
                name,
                slice_id,
                importance.flat[0],
            )


def as_array(values: Importance) -> NDArray[np.float32]:
    """Return a tensor, or an array, as a float32 array."""
    if isinstance(values, np.ndarray):
        return values.astype(np.float32, copy=False)
    return values.detach().float().cpu().numpy()


def _maps_schema(job: MapsJob, check: Completeness) -> pa.Schema:
    image = image_field("importance", job.image_shape[1:])
    return pa.schema([pa.field("slice_id", pa.string()), image, *check.fields()])
