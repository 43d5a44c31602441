"""How many of the most important pixels, as many as the mask has, lie in the mask."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from ct_importance.metrics.masked_scores import COVERED, covered, expected_hits, sorted_scores
from ct_importance.metrics.metric import Category, Probe, Sample
from ct_importance.metrics.per_slice import COVERAGE_OF_SHARES, PerSlice
from ct_importance.task import DEFAULT_TASK, Task


class RelevanceRank(PerSlice):
    """|top and M| / |M|, where the top are the |M| most important pixels.

    The mask itself scores 1. It misleads where masks are drawn generously: what a classifier needs
    may be a part of the structure, and the other pixels of the mask then count as missed.
    """

    title: ClassVar[str] = "Relevance rank"
    unit: ClassVar[str] = "relevance rank"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = True
    category: ClassVar[Category] = "localisation"
    reference: ClassVar[str] = "Arras et al. 2022, arXiv 2003.07258"
    chance_of_slice: ClassVar[str] = COVERED
    needs: ClassVar[frozenset[str]] = frozenset({"mask"})
    table: ClassVar[str] = "relevance_rank"
    coverage: ClassVar[str] = COVERAGE_OF_SHARES

    slices: Literal["annotated", "annotated_test"] = "annotated"
    """Slices the metric is computed on: only those with a mask can be."""

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the share, in [0, 1]; of tied pixels, that which is expected."""
        scores, positive = sorted_scores(importance, sample.mask)
        (hits,), _ = expected_hits(scores, positive, np.array([positive.size]))
        return float(hits / positive.size)

    def chance_of(self, sample: Sample) -> float:
        """Return what a constant map gets, and a random one on average."""
        return covered(sample.mask)

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed."""
        return (
            "Relevance rank: the share of the mask that is among as many most important pixels as "
            "the mask has."
        )
