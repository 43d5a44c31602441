"""Splits the patients into those to train on and those to test on."""

from __future__ import annotations

import itertools
import logging
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from ct_importance.compute.randomness import order_key
from ct_importance.errors import InputError
from ct_importance.task import DEFAULT_TASK

logger = logging.getLogger(__name__)


def split_patients(
    patient_labels: dict[str, set[int]],
    test_fraction: float,
    seed: int,
    same_person: Collection[tuple[str, str]] = (),
    classes: Sequence[str] = DEFAULT_TASK.classes,
) -> dict[str, str]:
    """Return "train" or "test" for each patient, stratified by the set of its labels.

    Patients keep their side as far as possible when others join or leave: each has a random place
    in the order of its stratum, which depends on the seed and its own name alone.

    Args:
        patient_labels: The labels found among each patient's slices, indices into the classes.
        test_fraction: Share of each stratum that becomes test patients, in [0, 1].
        seed: Seed of the random order.
        same_person: Pairs of patients that share a slice: kept on one side, as are those that are
            joined by a patient without a label.
        classes: Their names, for messages.

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
    _check_classes(sides, patient_labels, test_fraction, classes)
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
    sides: dict[str, str],
    patient_labels: dict[str, set[int]],
    test_fraction: float,
    classes: Sequence[str],
) -> None:
    for side, share in (("train", 1 - test_fraction), ("test", test_fraction)):
        members = [patient for patient in sides if sides[patient] == side]
        labels = set().union(*(patient_labels[patient] for patient in members))
        lacking = [name for label, name in enumerate(classes) if label not in labels]
        if share == 0 or not lacking:
            continue
        problem = (
            f"no {side} patient has a slice of class {lacking[-1]!r} "
            f"({len(members)} {side} patients of {len(sides)})"
        )
        if test_fraction < 1:
            raise InputError(
                f"{problem}: add patients of that kind, or change cohort.test_fraction"
            )
        # Nothing is trained: maps, ROC and Dice of one class are still worth having.
        others = "class" if len(classes) == 2 else "classes"
        logger.warning("%s: accuracy and fidelity are those of the other %s", problem, others)
