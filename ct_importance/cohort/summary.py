"""Counts, per dataset, what each stage of the cohort kept, and why the rest was not."""

from __future__ import annotations

import csv
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ct_importance.cohort.jobs import SummaryJob
from ct_importance.cohort.labels.slice_labels import UNCLEAR, SliceLabels, read_slice_labels
from ct_importance.cohort.plan.selection import NO_CHEST, Chests, read_chests
from ct_importance.cohort.slice_entry import (
    ON_SLICE,
    SliceEntry,
    iterate_shared,
    place_of,
    read_index,
    read_rejected,
)
from ct_importance.io.atomic import replacing
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import SUBSETS, iterate_slices
from ct_importance.io.table_file import read_table

logger = logging.getLogger(__name__)

FIELDS = ("dataset", "stage", "outcome", "unit", "count", "series", "patients")
NOT_CHOSEN = "not among the evenly spaced slices (slices_per_patient, inner_fraction)"
NO_MASK = "wanted for its mask alone, which cannot be used"
OUTSIDE = "below or above the chest (cohort.body_region)"
USED = {"train": "training slices", "test": "test slices", "annotated": "slices with a mask"}

Row = dict[str, str | int]


@dataclass(frozen=True)
class StageFiles:
    """Where the stages of the cohort wrote."""

    headers: Sequence[StrPath]
    """A table per dataset."""
    index: StrPath
    labels: StrPath
    chest: StrPath | None
    """None where the whole scan is wanted."""
    planned: StrPath
    not_indexed: StrPath
    """What the index set aside."""
    rejected: Sequence[StrPath]
    """What the stages so far set aside."""
    slices: StrPath | None
    """The list of slices; None before extraction."""


@dataclass(frozen=True)
class CohortStages:
    """What the stages of the cohort wrote."""

    headers: Mapping[str, StrPath]
    """Table of headers of each dataset."""
    entries: Sequence[SliceEntry]
    """The index."""
    labels: SliceLabels
    chests: Chests | None
    planned: Collection[str]
    """slice_id of what was planned."""
    extracted: Mapping[str, dict[str, Any]] | None
    """slice_id -> row of the list of slices (`slices.write_slice_list`); None before extraction."""
    not_indexed: Mapping[str, str]
    """What the index set aside, with the reason."""
    rejected: Mapping[str, str]
    """The same of all stages so far."""
    mask_folders: Mapping[str, Sequence[str]]
    """Folders with the masks of each dataset."""


def write_summary(job: SummaryJob, files: StageFiles, summary: StrPath) -> None:
    """Write as CSV what each stage kept, and log it (`summarise_cohort`)."""
    rows = summarise_cohort(_read_stages(job, files))
    with (
        replacing(summary) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        table = csv.DictWriter(file, FIELDS)
        table.writeheader()
        table.writerows(rows)
    logger.info("\n%s", Path(summary).read_text(encoding="utf-8"))


def _read_stages(job: SummaryJob, files: StageFiles) -> CohortStages:
    entries = read_index(files.index)
    rejected: dict[str, str] = {}
    for table in files.rejected:
        rejected |= read_rejected(table)
    extracted = None
    if files.slices:
        extracted = {row["slice_id"]: row for row in iterate_slices(files.slices, ["all"])}
    return CohortStages(
        headers=dict(zip(job.masks, files.headers, strict=True)),
        entries=entries,
        labels=read_slice_labels(files.labels, entries),
        chests=read_chests(files.chest) if files.chest else None,
        planned=set(read_table(files.planned).column("slice_id").to_pylist()),
        extracted=extracted,
        not_indexed=read_rejected(files.not_indexed),
        rejected=rejected,
        mask_folders={name: dataset.folders for name, dataset in job.masks.items()},
    )


def summarise_cohort(stages: CohortStages) -> list[Row]:
    """Return for each dataset and stage what was kept and, by reason, what was not.

    Returns:
        Rows of `FIELDS`. The outcome is "kept" or a reason in full; of a file that is a copy of
        another, or has its id, the other is not named. At the end stands what was used.
    """
    reasons_of_masks = _reasons_of_masks(stages)
    rows: list[Row] = []
    for dataset, table in stages.headers.items():
        files, unread, unindexed = _count_headers(table, stages.not_indexed)
        entries = [entry for entry in stages.entries if entry.dataset == dataset]
        rows.append(_row(dataset, "read", "found", files, "files"))
        rows += _reasons(dataset, "read", unread, "files")
        rows += _kept(dataset, "indexed", entries)
        rows += _reasons(dataset, "indexed", unindexed)
        for stage, reason_of in _stages(stages).items():
            reasons = [reason_of(entry) for entry in entries]
            rows += _reasons(dataset, stage, Counter(filter(None, reasons)))
            entries = [it for it, reason in zip(entries, reasons, strict=True) if not reason]
            rows += _kept(dataset, stage, entries)
        rows += _reasons(dataset, "masks", reasons_of_masks[dataset], "files")
        if (extracted := stages.extracted) is not None:
            for subset, name in USED.items():
                chosen = [it for it in entries if SUBSETS[subset](extracted[it.slice_id])]
                rows += _kept(dataset, "used", chosen, name)
    return rows


def _stages(stages: CohortStages) -> dict[str, Callable[[SliceEntry], str]]:
    """Return for each stage after the index what says why it left a slice out, "" if it did not."""

    def unplanned(entry: SliceEntry) -> str:
        return "" if entry.slice_id in stages.planned else NOT_CHOSEN

    def unlabelled(entry: SliceEntry) -> str:
        # What masks leave open is only known when they are matched.
        is_open = stages.rejected.get(entry.place) == UNCLEAR
        return UNCLEAR if is_open else stages.labels.reason(entry)

    found: dict[str, Callable[[SliceEntry], str]] = {"labelled": unlabelled}
    if stages.chests is not None:
        found["chest"] = partial(_outside_of_chest, stages.chests, stages.planned)
    found["planned"] = unplanned
    if stages.extracted is not None:
        found["extracted"] = partial(_unextracted, stages.extracted, stages.rejected)
    return found


def _outside_of_chest(chests: Chests, planned: Collection[str], entry: SliceEntry) -> str:
    region = chests[entry.series]
    if entry.slice_id in planned:  # one with a mask is taken from everywhere
        return ""
    if region is None:
        return NO_CHEST
    return "" if region[0] <= entry.position <= region[1] else OUTSIDE


def _unextracted(extracted: Collection[str], rejected: Mapping[str, str], entry: SliceEntry) -> str:
    return "" if entry.slice_id in extracted else rejected.get(entry.place, NO_MASK)


def _count_headers(
    table: StrPath, not_indexed: Mapping[str, str]
) -> tuple[int, Counter[str], Counter[str]]:
    """Return how many files were found, and reasons of the reading and of the index."""
    files, last = 0, None
    unread: Counter[str] = Counter()
    unindexed: Counter[str] = Counter()
    for row in iterate_shared(table, ["file", "reason", "path", "frame"]):
        files += row["file"] != last  # the slices of a volume follow each other
        last = row["file"]
        if row["reason"] is not None:
            unread[row["reason"]] += 1
        elif (reason := not_indexed.get(place_of(row["path"], row["frame"]))) is not None:
            unindexed[_without_name(reason)] += 1
    return files, unread, unindexed


def _without_name(reason: str) -> str:
    """Return a reason without the name of the other file."""
    if reason.startswith("exact copy of "):
        return "exact copy of another slice"
    if reason.startswith("has the SOPInstanceUID of "):
        return "has the SOPInstanceUID of another slice, stored differently"
    return reason


def _reasons_of_masks(stages: CohortStages) -> dict[str, Counter[str]]:
    """Return why masks of each dataset were set aside."""
    images = {entry.place for entry in stages.entries}.union(stages.not_indexed)
    dataset_of = {entry.slice_id: entry.dataset for entry in stages.entries}
    counts: dict[str, Counter[str]] = {dataset: Counter() for dataset in stages.headers}
    for place, reason in stages.rejected.items():
        if place in images:
            continue
        path, _, slice_id = place.rpartition(ON_SLICE)
        dataset = dataset_of.get(slice_id) if path else None
        for name, folders in stages.mask_folders.items():
            if dataset is None and any(map(Path(place).is_relative_to, folders)):
                dataset = name
        if dataset is not None:
            counts[dataset][reason] += 1
    return counts


def _kept(
    dataset: str, stage: str, entries: Sequence[SliceEntry], outcome: str = "kept"
) -> Iterator[Row]:
    yield {
        **_row(dataset, stage, outcome, len(entries)),
        "series": len({entry.series for entry in entries}),
        "patients": len({entry.patient_id for entry in entries}),
    }


def _reasons(dataset: str, stage: str, counts: Counter[str], unit: str = "slices") -> Iterable[Row]:
    by_number = sorted(counts.items(), key=lambda it: (-it[1], it[0]))
    return (_row(dataset, stage, reason, count, unit) for reason, count in by_number)


def _row(dataset: str, stage: str, outcome: str, count: int, unit: str = "slices") -> Row:
    return {"dataset": dataset, "stage": stage, "outcome": outcome, "unit": unit, "count": count}
