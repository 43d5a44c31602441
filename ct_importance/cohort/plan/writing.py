"""Writes one extraction plan per patient, and what the later steps need to know of them all."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from ct_importance.cohort.jobs import MasksOfDataset, PlanJob
from ct_importance.cohort.labels.slice_labels import labels_of_masks, read_slice_labels
from ct_importance.cohort.masks.matching import MatchedMasks, match_masks
from ct_importance.cohort.plan.selection import (
    NO_CHEST,
    Chests,
    Masks,
    file_name_of,
    plan_cohort,
    read_chests,
)
from ct_importance.cohort.slice_entry import SliceEntry, read_index, write_rejected
from ct_importance.errors import InputError
from ct_importance.io.atomic import write_text
from ct_importance.io.image_table import write_table
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table

logger = logging.getLogger(__name__)

SPLIT_SCHEMA = pa.schema(
    [("patient_id", pa.string()), ("file", pa.string()), ("split", pa.string())]
)
PLANNED_SCHEMA = pa.schema(
    [("patient_id", pa.string()), ("slice_id", pa.string()), ("sampled", pa.bool_())]
)

Sides = Mapping[str, str]
"""Patient -> "train" or "test"."""
Plans = Mapping[str, list[dict[str, Any]]]
"""Patient -> its slices (`selection.plan_patient`)."""


@dataclass(frozen=True)
class PlanInputs:
    """What a plan is made from."""

    index: StrPath
    labels: StrPath
    same_person: StrPath
    chest: StrPath | None
    """None where slices may come from the whole scan."""


@dataclass(frozen=True)
class PlanOutputs:
    """What is written of a plan."""

    split: StrPath
    """Table of the patients, the names of their files and their sides."""
    planned: StrPath
    """Table of the planned slices."""
    plans: StrPath
    """New folder with a JSON per patient."""
    rejected: StrPath
    """Table of the files set aside, with the reason."""


def write_plan(job: PlanJob, inputs: PlanInputs, outputs: PlanOutputs) -> None:
    """Split the patients and plan what is extracted of each.

    Args:
        job: Where masks are, and how patients and slices are chosen.
        inputs: Tables of the steps before.
        outputs: Files to write.

    Raises:
        InputError: As `selection.plan_cohort` and `match_masks`; or if labels come from masks, and
            it is not known which slices a mask may mark that cannot be used.
    """
    entries = read_index(inputs.index)
    pairs = read_table(inputs.same_person).to_pylist()
    matched = _match_masks(job, entries)
    masks, rejected = matched.masks, dict(matched.rejected)
    if job.label_from == "mask":
        labels = labels_of_masks(entries, masks.keys(), _unclear_slices(matched, job.classes))
    else:
        labels = read_slice_labels(inputs.labels, entries)
    chests = read_chests(inputs.chest) if inputs.chest else None
    sides, plans = plan_cohort(
        entries,
        labels,
        [(pair["patient_id"], pair["other_patient_id"]) for pair in pairs],
        masks,
        job.options,
        job.seed,
        chests,
        job.classes,
    )
    rejected |= {entry.place: reason for entry in entries if (reason := labels.reason(entry))}
    rejected |= _without_chest(entries, masks, chests)
    write_rejected(outputs.rejected, rejected)
    files = {patient: file_name_of(patient) for patient in sides}
    _write_tables(outputs, sides, files, plans)
    folders = {entry.patient_id: job.masks[entry.dataset] for entry in entries}
    _write_files(Path(outputs.plans), sides, files, plans, folders)
    logger.info(
        "%s patients; %d slices planned, %d of them with a mask; set aside %d files",
        ", ".join(f"{count} {side}" for side, count in sorted(Counter(sides.values()).items())),
        sum(map(len, plans.values())),
        sum(row["masks"] is not None for slices in plans.values() for row in slices),
        len(rejected),
    )


def _match_masks(job: PlanJob, entries: Sequence[SliceEntry]) -> MatchedMasks:
    found = MatchedMasks()
    for name, dataset in job.masks.items():
        own = [entry for entry in entries if entry.dataset == name]
        for reader, folder in enumerate(dataset.folders):
            of_reader = match_masks(own, folder, dataset.structures)
            for slice_id, files in of_reader.masks.items():
                if len(dataset.folders) > 1:
                    files = [file | {"reader": reader} for file in files]
                found.masks.setdefault(slice_id, []).extend(files)
            found.rejected.update(of_reader.rejected)
            found.unclear.update(of_reader.unclear)
    return found


def _unclear_slices(matched: MatchedMasks, classes: Sequence[str]) -> set[str]:
    """Return the slices that masks may mark which cannot be used."""
    for path, slices in matched.unclear.items():
        if slices is None:
            raise InputError(
                f"{path}: {matched.rejected[path]}; so it is not known which slices it marks, and "
                f"they would count as {classes[0]!r} (task.label_from: mask): mend it, or take it "
                "away"
            )
    return {name for slices in matched.unclear.values() for name in slices or ()}


def _without_chest(
    entries: Sequence[SliceEntry], masks: Masks, chests: Chests | None
) -> dict[str, str]:
    if chests is None:
        return {}
    return {
        entry.place: NO_CHEST
        for entry in entries
        if chests[entry.series] is None and entry.slice_id not in masks
    }


def _write_tables(
    outputs: PlanOutputs, sides: Sides, files: Mapping[str, str], plans: Plans
) -> None:
    columns = {
        "patient_id": list(sides),
        "file": list(files.values()),
        "split": list(sides.values()),
    }
    write_table(outputs.split, SPLIT_SCHEMA, columns)
    planned = [(patient, row) for patient, rows in plans.items() for row in rows]
    columns = {
        "patient_id": [patient for patient, _ in planned],
        "slice_id": [row["slice_id"] for _, row in planned],
        "sampled": [row["sampled"] for _, row in planned],
    }
    write_table(outputs.planned, PLANNED_SCHEMA, columns)


def _write_files(
    folder: Path,
    sides: Sides,
    files: Mapping[str, str],
    plans: Plans,
    masks: Mapping[str, MasksOfDataset],
) -> None:
    folder.mkdir(parents=True)
    for patient, slices in plans.items():
        plan = {
            "patient_id": patient,
            "split": sides[patient],
            "structures": masks[patient].structures,
            **({"readers": readers} if (readers := len(masks[patient].folders)) > 1 else {}),
            "slices": slices,
        }
        # Flushed one by one, the plans of many patients would take longer than all the rest.
        write_text(folder / f"{files[patient]}.json", json.dumps(plan, indent=1), flush=False)
