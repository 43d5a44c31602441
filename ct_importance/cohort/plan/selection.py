"""Splits the patients, chooses their slices, and plans what is extracted of each."""

from __future__ import annotations

import itertools
import logging
import math
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict

from ct_importance.cohort.options import SelectionOptions
from ct_importance.cohort.slice_entry import SliceEntry, series_of
from ct_importance.compute.randomness import order_key, seed_for
from ct_importance.errors import InputError
from ct_importance.io.table_file import read_table

logger = logging.getLogger(__name__)

Masks = dict[str, list[dict[str, str]]]
"""slice_id -> path and digest of its mask files."""
Chests = dict[tuple[str, str], tuple[float, float] | None]
"""(patient_id, series_uid) -> lowest and highest position (mm) of the chest, None without one."""
NO_CHEST = "no slice of its series shows lung (cohort.body_region)"
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def read_chests(path: str | os.PathLike) -> Chests:
    """Return what rule find_chest wrote."""
    return {
        (row["patient_id"], row["series_uid"]): None
        if row["lowest_position"] is None
        else (row["lowest_position"], row["highest_position"])
        for row in read_table(path).to_pylist()
    }


def split_patients(
    patient_labels: dict[str, set[int]],
    test_fraction: float,
    seed: int,
    same_person: Collection[tuple[str, str]] = (),
) -> dict[str, str]:
    """Return "train" or "test" for each patient, stratified by label.

    Patients keep their side as far as possible when others join or leave: each has a random place
    in the order of its stratum, which depends on the seed and its own name alone.

    Args:
        patient_labels: The labels (0, 1) found among each patient's series.
        test_fraction: Share of each stratum that becomes test patients, in [0, 1].
        seed: Seed of the random order.
        same_person: Pairs of patients that share a slice: kept on one side, as are those that are
            joined by a patient without a label.

    Raises:
        InputError: If patients are trained on, and a side that should have patients lacks a label.
    """
    groups = _join(patient_labels, same_person)
    strata = defaultdict(list)
    for group in groups:
        labels = frozenset().union(*(patient_labels[patient] for patient in group))
        strata[tuple(sorted(labels))].append(group)
    sides = {}
    for members in strata.values():
        members.sort(key=lambda group: order_key(seed, "split", group[0]))
        tested = _test_count(len(members), test_fraction)
        for rank, group in enumerate(members):
            for patient in group:
                sides[patient] = "test" if rank < tested else "train"
    _check_classes(sides, patient_labels, test_fraction)
    return dict(sorted(sides.items()))


def _test_count(patients: int, fraction: float) -> int:
    count = math.floor(fraction * patients + 0.5)
    if 0 < fraction < 1 and patients >= 2:
        return min(max(count, 1), patients - 1)
    return count


def _join(patients: Collection[str], pairs: Collection[tuple[str, str]]) -> Iterator[list[str]]:
    """Yield the patients in groups that pairs hold together, be it through others."""
    group_of = {name: [name] for name in sorted({*patients, *itertools.chain(*pairs)})}
    for one, other in sorted(pairs):
        if group_of[one] is not group_of[other]:
            merged = sorted(group_of[one] + group_of[other])
            for name in merged:
                group_of[name] = merged
    for group in {id(group): group for group in group_of.values()}.values():
        if members := [name for name in group if name in patients]:
            yield members


def _check_classes(
    sides: dict[str, str], patient_labels: dict[str, set[int]], test_fraction: float
) -> None:
    for side, share in (("train", 1 - test_fraction), ("test", test_fraction)):
        members = [patient for patient in sides if sides[patient] == side]
        labels = set().union(*(patient_labels[patient] for patient in members))
        if share == 0 or labels == {0, 1}:
            continue
        lacking = "with" if 1 not in labels else "without"
        problem = (
            f"no {side} patient has a series {lacking} contrast agent "
            f"({len(members)} {side} patients of {len(sides)})"
        )
        if test_fraction < 1:
            raise InputError(
                f"{problem}: add patients of that kind, or change cohort.test_fraction"
            )
        # Nothing is trained: maps, ROC and Dice of one class are still worth having.
        logger.warning("%s: accuracy and fidelity are those of the other class", problem)


def choose_slices(
    series: Sequence[Sequence[SliceEntry]], count: int, inner_fraction: float
) -> set[str]:
    """Return the ids of evenly spaced slices of a patient, shared out among the series.

    Args:
        series: The patient's series, each sorted by position.
        count: How many slices in all; fewer if the patient has fewer.
        inner_fraction: Central part of a scan, along its length, they are spaced over.
    """
    shares = _share_out(count, [len(slices) for slices in series])
    return {
        slices[index].slice_id
        for slices, share in zip(series, shares, strict=True)
        for index in spaced_indices(len(slices), share, inner_fraction)
    }


def _share_out(count: int, sizes: Sequence[int]) -> list[int]:
    shares = [0] * len(sizes)
    while count > 0 and any(share < size for share, size in zip(shares, sizes, strict=True)):
        for index, size in enumerate(sizes):
            if count > 0 and shares[index] < size:
                shares[index] += 1
                count -= 1
    return shares


def spaced_indices(length: int, count: int, inner_fraction: float) -> list[int]:
    """Return `count` evenly spaced indices in the inner part of `range(length)`.

    The inner part is cut into `count` equal pieces and the middle of each is taken; where it has
    fewer than `count` slices, it is widened so that no index comes twice.
    """
    inner_fraction = max(inner_fraction, count / length)
    margin = (1 - inner_fraction) / 2
    ideal = [
        (margin + inner_fraction * (piece + 0.5) / count) * length - 0.5 for piece in range(count)
    ]
    chosen: list[int] = []
    for piece, place in enumerate(ideal):
        lowest = chosen[-1] + 1 if chosen else 0
        # Rounded before: a place half-way between two slices must not fall either way by chance.
        nearest = math.floor(round(place, 6) + 0.5)
        chosen.append(min(max(nearest, lowest), length - (count - piece)))
    return chosen


def plan_patient(
    entries: Sequence[SliceEntry],
    labels: dict[tuple[str, str], int],
    side: str,
    masks: Masks,
    options: SelectionOptions,
    chests: Chests | None = None,
) -> list[dict]:
    """Return what to extract of one patient: a row per slice, in reading order.

    Args:
        entries: The patient's slices with a label, in reading order.
        labels: Label of each (patient_id, series_uid).
        side: "train" or "test".
        masks: Mask files of each annotated slice.
        options: How many slices, spaced over which part of the scan.
        chests: Where the slices of each series may come from; None for everywhere.

    Returns:
        Rows of slice_id, path, frame, frame_of_reference, label, sampled (one of the evenly
        spaced), geometry, masks (a list, or None). Every slice with a mask is among them.
    """
    count = getattr(options.slices_per_patient, side)
    series = [slices for slices in _within(series_of(entries), chests) if slices]
    sampled = choose_slices(series, count, options.inner_fraction)
    return [
        {
            "slice_id": entry.slice_id,
            "path": entry.path,
            "frame": entry.frame,
            "frame_of_reference": entry.frame_of_reference,
            "label": labels[entry.series],
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
    labels: dict[tuple[str, str], int | None],
    same_person: Collection[tuple[str, str]],
    masks: Masks,
    options: SelectionOptions,
    seed: int,
    chests: Chests | None = None,
) -> tuple[dict[str, str], dict[str, list[dict]]]:
    """Split the patients that have a label and plan the slices of each.

    Args:
        entries: All slices, in reading order.
        labels: Label of each (patient_id, series_uid); series without one are left out.
        same_person: Pairs of patient ids that must stay on one side.
        masks: Mask files of each annotated slice.
        options: How patients and slices are chosen.
        seed: Seed of the split.
        chests: Where the slices of each series may come from; None for everywhere.

    Returns:
        Side of each patient; plan of each patient (`plan_patient`).

    Raises:
        InputError: If no series has a label or none of them a chest, or a side lacks a class.
    """
    labelled = [entry for entry in entries if labels.get(entry.series) is not None]
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
        patient_labels[entry.patient_id].add(labels[entry.series])
        by_patient[entry.patient_id].append(entry)
    sides = split_patients(patient_labels, options.test_fraction, seed, same_person)
    plans = {
        patient: plan_patient(by_patient[patient], labels, side, masks, options, chests)
        for patient, side in sides.items()
    }
    return sides, plans
