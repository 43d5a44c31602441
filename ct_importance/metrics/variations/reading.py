"""Reads what maps are compared with: those of variations, and those of other patients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ct_importance.compute.randomness import order_key
from ct_importance.errors import InputError
from ct_importance.io.image_table import read_rows
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row, iterate_slices, join_by_slice, original_of
from ct_importance.io.table_file import read_table
from ct_importance.metrics.metric import Metric, Sample

OTHERS = 3
"""Maps of other patients that a slice's is compared with: of 20 slices 60 pairs (Arun et al. 2021,
who hold maps of one slice to those of different ones, take 50)."""
KEPT = 16
"""Slices whose maps are kept for that, at most."""

WithMap = tuple[Sample, np.ndarray]


def with_variations(samples: Iterable[WithMap], tables: Sequence[StrPath]) -> Iterator[WithMap]:
    """Yield samples with the maps of their variations, and their own.

    Args:
        samples: Samples and their maps.
        tables: The maps of each variation of their training, in turn; of a slice one, or one of
            each of its copies.

    Raises:
        InputError: If a table lacks a slice.
    """
    rows = ({"slice_id": sample.slice_id, "own": (sample, own)} for sample, own in samples)
    for row, *found in join_by_slice(rows, *map(_by_original, tables)):
        sample, own = row["own"]
        yield replace(sample, variations=np.concatenate([it["maps"] for it in found])), own


def _by_original(table: StrPath) -> Iterator[Row]:
    rows = groupby(read_rows(table), key=lambda row: original_of(row["slice_id"]))
    for slice_id, copies in rows:
        yield {"slice_id": slice_id, "maps": np.stack([row["importance"] for row in copies])}


def with_scores(samples: Iterable[WithMap], tables: Sequence[StrPath]) -> Iterator[WithMap]:
    """Yield samples with the scores of the classes, of the slice and of its variations.

    Args:
        samples: Samples and their maps.
        tables: The predictions of the training, then of each of its variations.
    """
    answers = [_scores(table) for table in tables]
    for sample, own in samples:
        scores = np.concatenate([of_table[sample.slice_id] for of_table in answers])
        yield replace(sample, scores=scores), own


def _scores(table: StrPath) -> dict[str, NDArray[np.float32]]:
    """Return the scores (n, K) of each slice, or of its copies."""
    rows = read_table(table).to_pylist()
    return {
        slice_id: np.array([_of_row(row) for row in copies], np.float32)
        for slice_id, copies in groupby(rows, key=lambda row: original_of(row["slice_id"]))
    }


def _of_row(row: dict[str, Any]) -> list[float]:
    scores: list[float] = row["scores"] if "scores" in row else [-row["logit"], row["logit"]]
    return scores


def answer_changes(sample: Sample) -> NDArray[np.float64]:
    """Return how far the answer changes with each variation, (V,).

    The answer is the score of the class that the slice itself is taken for.
    """
    assert sample.scores is not None, "which the metric needs"
    scores = sample.scores.astype(np.float64)
    of_class = scores[:, scores[0].argmax()]
    changes: NDArray[np.float64] = np.abs(of_class[1:] - of_class[0])
    return changes


def with_others(
    samples: Iterable[WithMap], metric: Metric, slices: StrPath, maps: StrPath, seed: int
) -> Iterator[WithMap]:
    """Yield samples with maps of slices of other patients.

    Which ones depends on the seed and the ids alone, not on the share of the slices that a job has.

    Args:
        samples: Samples and their maps.
        metric: Which says which slices there are.
        slices: The list of slices.
        maps: The maps of the last variation.
        seed: Seed of the run.

    Raises:
        InputError: If there is no slice of another patient.
    """
    rows = list(iterate_slices(slices, [metric.slices]))
    keys = {row["slice_id"]: order_key(seed, "others", row["slice_id"]) for row in rows}
    kept = set(sorted(keys, key=keys.__getitem__)[:KEPT])
    patients = {row["slice_id"]: row["patient_id"] for row in rows if row["slice_id"] in kept}
    found = {
        row["slice_id"]: row["importance"] for row in read_rows(maps) if row["slice_id"] in kept
    }
    for sample, own in samples:
        others = [it for it, patient in patients.items() if patient != sample.patient_id]
        if not others:
            raise InputError(
                f"slice {sample.slice_id}: there is no slice of another patient to compare its map "
                "with; give the cohort more test patients, or leave this metric out"
            )
        others.sort(key=lambda it: order_key(seed, "others", sample.slice_id, it))
        yield replace(sample, others=np.stack([found[it] for it in others[:OTHERS]])), own
