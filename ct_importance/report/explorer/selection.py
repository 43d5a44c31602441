"""Which slices the explorer shows where there are more than it may hold, and what it opens on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ct_importance.io.slices import SUBSETS, Row
from ct_importance.metrics.jobs import ChosenMetric

PREFERRED = ("annotated", "test")
OPENING_VARIANT = "original"


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


def opening(
    entries: Sequence[Mapping[str, Any]],
    estimators: Sequence[str],
    controls: Collection[str],
    metrics: Sequence[ChosenMetric],
) -> tuple[str, str]:
    """Return the slice and the estimator that the page opens on.

    Args:
        entries: What is known of each slice, with `scores` by estimator, variant and metric.
        estimators: In the order of the configuration.
        controls: Those of them that know nothing of the classifier.
        metrics: In the order of the configuration.

    Returns:
        Of the slices with a mask that are classified correctly the first on which most metrics were
        measured, of the last class if there is one; and the estimator with the best mean over
        slices by the first metric that tells any apart, controls left out.
    """
    judged = [name for name in estimators if name not in controls] or list(estimators)
    leader = _leader(entries, judged, metrics)
    slices = max(
        entries,
        key=lambda entry: (
            *(entry["annotated"], entry["correct"]),
            *(len(_scores(entry, leader)), entry["label"]),
        ),
    )
    return slices["slice_id"], leader


def _leader(
    entries: Sequence[Mapping[str, Any]], judged: Sequence[str], metrics: Sequence[ChosenMetric]
) -> str:
    for chosen in metrics:
        means = {}
        for name in judged:
            scores = (_scores(entry, name).get(chosen.name) for entry in entries)
            if known := [score for score in scores if score is not None]:
                means[name] = float(chosen.metric.merit(np.array(known)).mean())
        if len(set(means.values())) > 1:
            return max(means, key=means.__getitem__)
    return judged[0]


def _scores(entry: Mapping[str, Any], estimator: str) -> dict[str, float]:
    found: dict[str, float] = entry["scores"].get(estimator, {}).get(OPENING_VARIANT, {})
    return found
