"""Chooses evenly spaced slices of a patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ct_importance.cohort.slice_entry import SliceEntry
from ct_importance.compute.randomness import order_key


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


def choose_of_each_class(
    series: Sequence[Sequence[SliceEntry]],
    labels: Mapping[str, int],
    count: int,
    inner_fraction: float,
    patient: str,
) -> set[str]:
    """Return the ids of evenly spaced slices of a patient, shared out among the classes.

    Slices of a class that is seldom, such as those with a lesion, would hardly ever be met by
    slices that are spaced over a whole scan.

    Args:
        series: The patient's series, each sorted by position.
        labels: The label of each of their slices, by slice_id.
        count: How many slices in all; fewer if the patient has fewer.
        inner_fraction: Central part of the slices of a class that they are spaced over.
        patient: The patient, on whom it depends which class has the odd slice.
    """
    in_order = sorted(
        {labels[entry.slice_id] for slices in series for entry in slices},
        key=lambda label: order_key("class of the odd slice", patient, label),
    )
    groups = [
        [own for slices in series if (own := [it for it in slices if labels[it.slice_id] == label])]
        for label in in_order
    ]
    shares = _share_out(count, [sum(map(len, group)) for group in groups])
    chosen = (
        choose_slices(group, share, inner_fraction)
        for group, share in zip(groups, shares, strict=True)
    )
    return set().union(*chosen)


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
