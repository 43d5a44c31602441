"""From the tables of a run to the explorer."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.compute.workers import process_pool
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row, iterate_slices
from ct_importance.report.explorer.detail import BYTES_OF_PAGE, Detail, choose_detail
from ct_importance.report.explorer.entries import page_index, read_answers, slice_entries
from ct_importance.report.explorer.means import (
    chosen_for_means,
    class_means,
    pack_means,
    registered,
)
from ct_importance.report.explorer.page import write_page
from ct_importance.report.explorer.registration import body_box, common_frame
from ct_importance.report.explorer.scores import Paths, read_scores
from ct_importance.report.explorer.selection import choose_slices
from ct_importance.report.explorer.slices import (
    Material,
    pack_images,
    pack_regions,
    pack_slice,
    read_material,
)
from ct_importance.report.jobs import ExplorerJob

Packed = TypeVar("Packed")
SLICES_PER_WORKER = 4
SAMPLES = 6
"""Slices that are packed to see how finely all can be kept."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """The tables of a run that the explorer shows."""

    slices: StrPath
    """The list of slices."""
    predictions: Sequence[StrPath]
    """Of each classifier."""
    index: StrPath
    """The index of the cohort: where slices lie in their series."""
    maps: Paths
    """By name, in the order of `ExplorerJob.maps`."""
    points: Mapping[str, Paths]
    """By metric and name."""
    segments: StrPath | None
    """None where no metric needs them."""


def sources_of(
    job: ExplorerJob,
    tables: Mapping[str, StrPath],
    predictions: Sequence[StrPath],
    maps: Sequence[StrPath],
    points: Sequence[StrPath],
) -> Sources:
    """Return `Sources` out of the inputs of the rule.

    Args:
        job: What the page shows.
        tables: `slices`, `index` and, if there are any, `segments`.
        predictions: Of each classifier.
        maps: Tables of maps, in the order of the job.
        points: Tables of points, metric by metric in the order of the job.
    """
    by_metric = in_chunks(points, len(job.maps))
    return Sources(
        slices=tables["slices"],
        predictions=predictions,
        index=tables["index"],
        maps=dict(zip(job.maps, maps, strict=True)),
        points={
            chosen.name: dict(zip(job.maps, paths, strict=True))
            for chosen, paths in zip(job.metrics, by_metric, strict=True)
        },
        segments=tables["segments"] or None,
    )


def build_explorer(
    job: ExplorerJob,
    templates: Mapping[str, StrPath],
    sources: Sources,
    path: StrPath,
    workers: int,
) -> None:
    """Write the explorer of a run.

    Args:
        job: What it shows.
        templates: Files it is made of, by name.
        sources: Where everything is.
        path: The page to write.
        workers: Number of processes.

    Raises:
        InputError: If there is no slice to show, or a table lacks one.
    """
    candidates = list(iterate_slices(sources.slices, job.subsets))
    rows = choose_slices(candidates, job.slices)
    if not rows:
        raise InputError(
            "the explorer has no slice to show: no slice has importance maps; see "
            "cohort/rejected.parquet for what was set aside"
        )
    slice_ids = [row["slice_id"] for row in rows]
    scores = read_scores(job.metrics, sources.points, slice_ids)
    entries = slice_entries(rows, sources.predictions, sources.index, scores, job.task)
    with process_pool(workers) as pool:
        means = _means(job, sources, candidates, pool, workers)
        budget = BYTES_OF_PAGE - len(json.dumps([scores.numbers, scores.curves, means]))
        samples = list(_material(job, sources, _spread(slice_ids)))
        detail = _detail(samples, len(rows), budget, job, pool)
        logger.info(
            "%d of %d slices with maps, %d levels a map, images reduced by %d",
            *(len(rows), len(candidates), len(detail.shares), detail.factor),
        )
        size = samples[0].row["image"].shape
        index = page_index(job, entries, scores, len(candidates), size, detail)
        pack = partial(pack_slice, detail=detail, hu_window=job.hu_window)
        packed = _pack_all(_material(job, sources, slice_ids), pack, pool, workers)
        contents = (
            content | {"curves": scores.curves.get(slice_id, {})}
            for slice_id, content in zip(slice_ids, packed, strict=True)
        )
        shown = progress(contents, "explorer: slices", len(rows))
        write_page(path, templates, shown, index, means)
    logger.info("%.1f MB", Path(path).stat().st_size / 1e6)


def _means(
    job: ExplorerJob, sources: Sources, rows: Sequence[Row], pool: Executor, workers: int
) -> list[dict[str, Any]]:
    """Return the mean maps of each class; none of a page of several classifiers."""
    if job.classifiers:
        return []
    answers = read_answers(sources.predictions[0], job.task)
    chosen = chosen_for_means(rows, answers)
    images = iterate_slices(sources.slices, job.subsets, ["image"], slice_ids=set(chosen))
    boxes, shape = {}, (0, 0)
    for row in images:
        shape = row["image"].shape
        boxes[row["slice_id"]] = body_box(row["image"], job.hu_window)
    frame = common_frame(boxes.values(), shape)
    move = partial(registered, boxes=boxes, frame=frame)
    material = read_material(sources.slices, job.subsets, chosen, sources.maps, None)
    moved = _pack_all(progress(material, "explorer: mean maps", len(chosen)), move, pool, workers)
    return pack_means(class_means(moved, (answers[slice_id] for slice_id in chosen)))


def _spread(slice_ids: Sequence[str]) -> list[str]:
    """Return some of the slices, evenly spaced."""
    count = min(SAMPLES, len(slice_ids))
    return [slice_ids[(2 * number + 1) * len(slice_ids) // (2 * count)] for number in range(count)]


def _material(job: ExplorerJob, sources: Sources, chosen: Sequence[str]) -> Iterator[Material]:
    return read_material(sources.slices, job.subsets, chosen, sources.maps, sources.segments)


def _detail(
    samples: Sequence[Material], count: int, budget: int, job: ExplorerJob, pool: Executor
) -> Detail:
    """Return how finely all slices and maps are kept, by what some of them need."""

    def bytes_of(pack: Callable[[Material], dict[str, Any]]) -> list[int]:
        return list(pool.map(partial(_size, pack), samples))

    return choose_detail(
        bytes_of(pack_regions),
        count,
        budget,
        lambda detail: bytes_of(partial(pack_images, detail=detail, hu_window=job.hu_window)),
    )


def _size(pack: Callable[[Material], dict[str, Any]], material: Material) -> int:
    return len(json.dumps(pack(material)))


def _pack_all(
    material: Iterable[Material],
    pack: Callable[[Material], Packed],
    pool: Executor,
    workers: int,
) -> Iterator[Packed]:
    """Yield what ``pack`` makes of each slice; few slices are held at a time."""
    for group in in_chunks(material, workers * SLICES_PER_WORKER):
        yield from pool.map(pack, group)
