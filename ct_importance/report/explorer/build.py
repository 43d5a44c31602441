"""From the tables of a run to the explorer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.compute.workers import process_pool
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row, iterate_slices
from ct_importance.io.table_file import read_table
from ct_importance.report.explorer.levels import plan_levels
from ct_importance.report.explorer.page import colour_tables, write_page
from ct_importance.report.explorer.scores import Scores, read_scores
from ct_importance.report.explorer.selection import choose_slices
from ct_importance.report.explorer.slices import Material, pack_slice, read_material
from ct_importance.report.jobs import ExplorerJob
from ct_importance.report.names import display_name
from ct_importance.task import Task

MAP_BUDGET = 42_000_000
"""Bytes of all maps as Base64: the page as a whole then stays below 60 MB, and opens at once."""
SLICES_PER_WORKER = 4
Paths = Mapping[str, StrPath]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """The tables of a run that the explorer shows."""

    slices: StrPath
    """The list of slices."""
    predictions: StrPath
    maps: Paths
    """By estimator, in the order of the configuration."""
    fidelity: Paths
    """Points by estimator; empty without the metric. So are the next two."""
    roc: Paths
    dice: Paths
    segments: StrPath | None
    """None without dice."""


def sources_of(
    estimators: Sequence[str],
    slices: StrPath,
    predictions: StrPath,
    maps: Sequence[StrPath],
    fidelity: Sequence[StrPath],
    roc: Sequence[StrPath],
    dice: Sequence[StrPath],
    segments: StrPath | None,
) -> Sources:
    """Return `Sources` whose tables come in the order of the estimators.

    Of a metric that is not configured there are no tables.
    """

    def by_estimator(paths: Sequence[StrPath]) -> Paths:
        return dict(zip(estimators, paths, strict=True)) if paths else {}

    return Sources(
        slices=slices,
        predictions=predictions,
        maps=by_estimator(maps),
        fidelity=by_estimator(fidelity),
        roc=by_estimator(roc),
        dice=by_estimator(dice),
        segments=segments or None,
    )


def build_explorer(
    job: ExplorerJob, templates: Paths, sources: Sources, path: StrPath, workers: int
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
    scores = read_scores(sources.fidelity, sources.roc, sources.dice, slice_ids)
    entries = _entries(rows, sources.predictions, scores, job.task)
    first = next(iterate_slices(sources.slices, job.subsets, ["image"]))
    factor, shares = plan_levels(first["image"].shape, len(rows) * len(sources.maps), MAP_BUDGET)
    logger.info(
        "%d of %d slices with maps, %d levels a map, images reduced by %d",
        *(len(rows), len(candidates), len(shares), factor),
    )
    index = page_index(job.run, job.task, list(sources.maps), entries, scores)
    index |= {
        "explained": len(candidates),
        "size": list(first["image"].shape),
        "factor": factor,
        "levels": len(shares),
    }
    material = read_material(sources.slices, job.subsets, slice_ids, sources.maps, sources.segments)
    packed = _pack_all(material, partial(pack_slice, factor=factor, shares=shares), workers)
    contents = (
        content | {"curves": scores.curves.get(slice_id, {})}
        for slice_id, content in zip(slice_ids, packed, strict=True)
    )
    shown = progress(contents, "explorer: slices", len(rows))
    write_page(path, templates, shown, index)
    logger.info("%.1f MB", Path(path).stat().st_size / 1e6)


def page_index(
    run: str,
    task: Task,
    estimators: Sequence[str],
    entries: list[dict[str, Any]],
    scores: Scores,
) -> dict[str, Any]:
    """Return what the page knows of the run as a whole.

    Args:
        run: Name of the run.
        task: What the classifier tells apart.
        estimators: Names in the configuration.
        entries: One per slice.
        scores: Of these slices.
    """
    return {
        "run": run,
        "estimators": [{"name": name, "title": display_name(name)} for name in estimators],
        "fractions": scores.fractions,
        "percentages": scores.percentages,
        "has_auc": scores.has_auc,
        "classes": list(task.classes),
        "fill": list(task.fill),
        "colours": colour_tables(),
        "slices": entries,
    }


def _entries(
    rows: Iterable[Row], predictions: StrPath, scores: Scores, task: Task
) -> list[dict[str, Any]]:
    """Return what the page lists of each slice: keys, label, the classifier's answer, scores."""
    of_two = len(task.classes) == 2
    answer = ["logit"] if of_two else ["predicted", "probabilities"]
    columns = ["slice_id", "correct", *answer]
    answers = {row["slice_id"]: row for row in read_table(predictions, columns).to_pylist()}
    entries = []
    for row in rows:
        slice_id = row["slice_id"]
        if slice_id not in answers:
            raise InputError(
                f"{predictions}: lacks slice {slice_id}; delete this file and run again"
            )
        entries.append(
            {key: row[key] for key in ("slice_id", "patient_id", "label", "split", "annotated")}
            | _answer(answers[slice_id], of_two)
            | {
                "correct": answers[slice_id]["correct"],
                "scores": scores.numbers.get(slice_id, {}),
            }
        )
    return entries


def _answer(row: Row, of_two: bool) -> dict[str, Any]:
    """Return the logit, or of more than two classes the answer and its probability."""
    if of_two:
        return {"logit": round(row["logit"], 3)}
    predicted = row["predicted"]
    return {"answer": predicted, "probability": round(row["probabilities"][predicted], 3)}


def _pack_all(
    material: Iterable[Material], pack: Callable[[Material], dict[str, Any]], workers: int
) -> Iterator[dict[str, Any]]:
    """Yield what ``pack`` makes of each slice; few slices are held at a time."""
    slices = iter(material)
    with process_pool(workers) as pool:
        for group in in_chunks(slices, workers * SLICES_PER_WORKER):
            yield from pool.map(pack, group)
