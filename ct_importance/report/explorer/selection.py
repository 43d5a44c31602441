"""Which slices the explorer shows where there are more than it may hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ct_importance.io.slices import SUBSETS, Row

PREFERRED = ("annotated", "test")


def choose_slices(rows: Iterable[Row], limit: int) -> list[Row]:
    """Return at most ``limit`` slices: first those with a mask, then test slices, then others.

    Of each kind the first slice of every patient comes before the second of any, so that few
    slices still show many patients.

    Args:
        rows: Flags of slices (`ct_importance.io.slices.FLAGS`).
        limit: How many slices at most.

    Returns:
        The chosen rows, in the order given.
    """
    rows = list(rows)
    seen: Counter[tuple[int, str]] = Counter()
    ranked = []
    for place, row in enumerate(rows):
        kind = _kind(row)
        ranked.append((kind, seen[kind, row["patient_id"]], place))
        seen[kind, row["patient_id"]] += 1
    return [rows[place] for place in sorted(place for *_, place in sorted(ranked)[:limit])]


def _kind(row: Row) -> int:
    belongs = (number for number, name in enumerate(PREFERRED) if SUBSETS[name](row))
    return next(belongs, len(PREFERRED))
