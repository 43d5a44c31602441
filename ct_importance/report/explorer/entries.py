"""What the explorer's page knows of the run as a whole, and lists of each slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row
from ct_importance.io.table_file import read_table
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.explorer.detail import Detail
from ct_importance.report.explorer.page import colour_tables
from ct_importance.report.explorer.scores import Scores, first_of
from ct_importance.report.explorer.selection import opening
from ct_importance.report.jobs import ExplorerJob
from ct_importance.report.names import display_name, metric_name
from ct_importance.task import Task

FLAGS = ("slice_id", "patient_id", "label", "split", "annotated")


def page_index(
    job: ExplorerJob,
    entries: list[dict[str, Any]],
    scores: Scores,
    explained: int,
    size: Sequence[int],
    detail: Detail,
) -> dict[str, Any]:
    """Return what the page knows of the run as a whole.

    Args:
        job: What it shows.
        entries: One per slice.
        scores: Of these slices.
        explained: How many slices have maps.
        size: Rows and columns of a slice.
        detail: How finely slices and maps are kept.
    """
    controls = {name for name, (estimator, _) in job.maps.items() if estimator in job.controls}
    slice_id, leader = opening(entries, list(job.maps), controls, job.metrics)
    return {
        "run": job.run,
        "opening": {"slice": slice_id, "estimator": leader},
        "classifiers": list(job.classifiers),
        "estimators": [
            {"name": name, "title": _title(*of), "control": name in controls, "of": of}
            for name, of in job.maps.items()
        ],
        "metrics": [_metric(chosen) for chosen in job.metrics],
        "fractions": scores.fractions,
        "percentages": scores.percentages,
        "classes": list(job.task.classes),
        **_fill(job),
        "colours": colour_tables(),
        "slices": entries,
        "explained": explained,
        "size": list(size),
        "factor": detail.factor,
        "levels": len(detail.shares),
        "greys": detail.greys(job.hu_window),
        "lossy": detail.step is None,
        "hu_window": list(job.hu_window),
    }


def _title(estimator: str, classifier: str | None) -> str:
    return display_name(estimator) + (f" of {classifier}" if classifier else "")


def _metric(chosen: ChosenMetric) -> dict[str, Any]:
    metric = chosen.metric
    return {
        "name": chosen.name,
        "title": metric_name(chosen.name),
        "unit": metric.unit,
        "decimals": metric.decimals,
        "higher": metric.higher_is_better,
        "chance": metric.chance,
    }


def _fill(job: ExplorerJob) -> dict[str, Any]:
    """Return what hides pixels where fidelity masks: `fill` (greys by class), and `fill_words`."""
    chosen = first_of(job.metrics, "fidelity")
    if chosen is None:
        return {"fill": None, "fill_words": ""}
    filling = chosen.metric.fill  # type: ignore[attr-defined]
    return {"fill": filling.greys(job.task), "fill_words": filling.in_words(job.task)}


def slice_entries(
    rows: Sequence[Row],
    predictions: Sequence[StrPath],
    index: StrPath,
    scores: Scores,
    task: Task,
) -> list[dict[str, Any]]:
    """Return what the page lists of each slice: keys, label, place, answer and scores.

    Args:
        rows: Flags of the slices.
        predictions: The answers of each classifier.
        index: The index of the cohort.
        scores: Of these slices.
        task: What the classifier tells apart.

    Raises:
        InputError: If a table lacks a slice.
    """
    of_two = len(task.classes) == 2
    answer = ["logit"] if of_two else ["predicted", "probabilities"]
    answers = [_by_slice(path, ["slice_id", "correct", *answer]) for path in predictions]
    places = _places(rows, _by_slice(index, ["slice_id", "series_uid", "position"]))
    entries = []
    for row in rows:
        slice_id = row["slice_id"]
        for path, of_classifier in zip(predictions, answers, strict=True):
            if slice_id not in of_classifier:
                raise InputError(f"{path}: lacks slice {slice_id}; delete this file and run again")
        entries.append(
            {key: row[key] for key in FLAGS}
            | places.get(slice_id, {"series": None, "position": None})
            | _answers([of_classifier[slice_id] for of_classifier in answers], of_two)
            | {"scores": scores.numbers.get(slice_id, {})}
        )
    return entries


def read_answers(predictions: StrPath, task: Task) -> dict[str, int]:
    """Return the class that a classifier answers with, by slice id."""
    if len(task.classes) == 2:
        rows = _by_slice(predictions, ["slice_id", "logit"])
        return {slice_id: int(row["logit"] > 0) for slice_id, row in rows.items()}
    rows = _by_slice(predictions, ["slice_id", "predicted"])
    return {slice_id: row["predicted"] for slice_id, row in rows.items()}


def _by_slice(path: StrPath, columns: Sequence[str]) -> dict[str, Row]:
    return {row["slice_id"]: row for row in read_table(path, list(columns)).to_pylist()}


def _places(rows: Iterable[Row], places: Mapping[str, Row]) -> dict[str, dict[str, Any]]:
    """Return `series` (its number on the page, so that no identifier is told) and `position` (mm).

    Slices that the index does not know are left out.
    """
    numbers: dict[tuple[str, str], int] = {}
    found = {}
    for row in rows:
        if place := places.get(row["slice_id"]):
            series = row["patient_id"], place["series_uid"]
            number = numbers.setdefault(series, len(numbers) + 1)
            found[row["slice_id"]] = {"series": number, "position": round(place["position"], 2)}
    return found


def _answers(rows: Sequence[Row], of_two: bool) -> dict[str, Any]:
    """Return the answer of a classifier, or those of several and whether all are correct."""
    answers = [_answer(row, of_two) for row in rows]
    if len(answers) == 1:
        return answers[0]
    return {"answers": answers, "correct": all(one["correct"] for one in answers)}


def _answer(row: Row, of_two: bool) -> dict[str, Any]:
    """Return whether it is correct and the logit, or of more classes answer and probability."""
    correct = {"correct": row["correct"]}
    if of_two:
        return correct | {"logit": round(row["logit"], 3)}
    predicted = row["predicted"]
    probability = round(row["probabilities"][predicted], 3)
    return correct | {"answer": predicted, "probability": probability}
