"""Plans what is extracted of each patient."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ct_importance.cohort.labels.slice_labels import SliceLabels
from ct_importance.cohort.options import SelectionOptions
from ct_importance.cohort.plan.spacing import choose_of_each_class, choose_slices
from ct_importance.cohort.plan.split import split_patients
from ct_importance.cohort.slice_entry import SliceEntry, series_of
from ct_importance.compute.randomness import seed_for
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table
from ct_importance.task import DEFAULT_TASK

Masks = dict[str, list[dict[str, Any]]]
"""slice_id -> path and digest of its mask files; where there are several readers, also whose it is:
their number."""
Chests = dict[tuple[str, str], tuple[float, float] | None]
"""(patient_id, series_uid) -> lowest and highest position (mm) of the chest, None without one."""
NO_CHEST = "no slice of its series shows lung (cohort.body_region)"
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def read_chests(path: StrPath) -> Chests:
    """Return what rule find_chest wrote."""
    return {
        (row["patient_id"], row["series_uid"]): None
        if row["lowest_position"] is None
        else (row["lowest_position"], row["highest_position"])
        for row in read_table(path).to_pylist()
    }


def plan_patient(
    entries: Sequence[SliceEntry],
    labels: SliceLabels,
    side: str,
    masks: Masks,
    options: SelectionOptions,
    chests: Chests | None = None,
) -> list[dict[str, Any]]:
    """Return what to extract of one patient: a row per slice, in reading order.

    Args:
        entries: The patient's slices with a label, in reading order.
        labels: Their labels.
        side: "train" or "test".
        masks: Mask files of each annotated slice.
        options: How many slices, spaced over which part of the scan.
        chests: Where the slices of each series may come from; None for everywhere.

    Returns:
        Rows of slice_id, path, frame, frame_of_reference, label (None where the mask decides),
        sampled (one of the evenly spaced), geometry, masks (a list, or None). Every slice with a
        mask is among them. Where labels belong to slices, the spaced ones are of each class.
    """
    count: int = getattr(options.slices_per_patient, side)
    series = [slices for slices in _within(series_of(entries), chests) if slices]
    if labels.by_slice:
        known = {it.slice_id: label for it in entries if (label := labels.of(it)) is not None}
        sampled = choose_of_each_class(
            series, known, count, options.inner_fraction, entries[0].patient_id
        )
    else:
        sampled = choose_slices(series, count, options.inner_fraction)
    return [
        {
            "slice_id": entry.slice_id,
            "path": entry.path,
            "frame": entry.frame,
            "frame_of_reference": entry.frame_of_reference,
            "label": labels.planned(entry),
            "sampled": entry.slice_id in sampled,
            "geometry": asdict(entry.geometry),
            "masks": masks.get(entry.slice_id),
        }
        for entry in entries
        if entry.slice_id in sampled or entry.slice_id in masks
    ]


def _within(
    series: dict[tuple[str, str], list[SliceEntry]], chests: Chests | None
) -> Iterator[list[SliceEntry]]:
    for name, slices in series.items():
        if chests is None:
            yield slices
        elif (region := chests.get(name)) is not None:
            yield [entry for entry in slices if region[0] <= entry.position <= region[1]]


def file_name_of(patient_id: str) -> str:
    """Return a name for the patient's files: the id itself where it is safe as a file name."""
    if SAFE_NAME.fullmatch(patient_id):
        return patient_id
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", patient_id).lstrip("._-") or "patient"
    return f"{safe[:80]}-{seed_for(patient_id):016x}"


def plan_cohort(
    entries: Sequence[SliceEntry],
    labels: SliceLabels,
    same_person: Collection[tuple[str, str]],
    masks: Masks,
    options: SelectionOptions,
    seed: int,
    chests: Chests | None = None,
    classes: Sequence[str] = DEFAULT_TASK.classes,
) -> tuple[dict[str, str], dict[str, list[dict[str, Any]]]]:
    """Split the patients that have a label and plan the slices of each.

    Args:
        entries: All slices, in reading order.
        labels: Their labels; slices without one are left out.
        same_person: Pairs of patient ids that must stay on one side.
        masks: Mask files of each annotated slice.
        options: How patients and slices are chosen.
        seed: Seed of the split.
        chests: Where the slices of each series may come from; None for everywhere.
        classes: Names of the classes, for messages.

    Returns:
        Side of each patient; plan of each patient (`plan_patient`).

    Raises:
        InputError: If no slice has a label or none of them a chest, or a side lacks a class.
    """
    labelled = [entry for entry in entries if labels.of(entry) is not None]
    if not labelled:
        raise InputError(
            "no series has a label: give a CSV in cohort.datasets.<name>.labels.csv, or see the "
            "columns of cohort/labels.parquet for what each source says"
        )
    if chests is not None:
        labelled = [it for it in labelled if it.slice_id in masks or chests[it.series] is not None]
    if not labelled:
        raise InputError(
            "no series with a label shows lung: set cohort.body_region.region to any, or lung_air "
            "of it to a smaller share"
        )
    patient_labels: dict[str, set[int]] = defaultdict(set)
    by_patient: dict[str, list[SliceEntry]] = defaultdict(list)
    for entry in labelled:
        if (label := labels.of(entry)) is not None:
            patient_labels[entry.patient_id].add(label)
        by_patient[entry.patient_id].append(entry)
    sides = split_patients(patient_labels, options.test_fraction, seed, same_person, classes)
    plans = {
        patient: plan_patient(by_patient[patient], labels, side, masks, options, chests)
        for patient, side in sides.items()
    }
    return sides, plans
