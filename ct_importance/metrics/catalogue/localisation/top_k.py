"""How many of the k most important pixels lie in the mask."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from ct_importance.metrics.masked_scores import (
    COVERED,
    covered,
    expected_hits,
    sorted_scores,
    top_count,
)
from ct_importance.metrics.metric import Category, Probe, Sample
from ct_importance.metrics.per_slice import COVERAGE_OF_SHARES, PerSlice
from ct_importance.task import DEFAULT_TASK, Task


class TopK(PerSlice):
    """|top-k and M| / k: the share of the k most important pixels that lies in the mask.

    It misleads where the mask has fewer than k pixels: then not even the mask itself reaches 1, and
    slices with large masks decide. Choose k below the size of the smallest.
    """

    title: ClassVar[str] = "Top k"
    unit: ClassVar[str] = "top-k intersection"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = True
    category: ClassVar[Category] = "localisation"
    reference: ClassVar[str] = "Theiner et al. 2022, arXiv 2104.14995"
    chance_of_slice: ClassVar[str] = COVERED
    needs: ClassVar[frozenset[str]] = frozenset({"mask"})
    table: ClassVar[str] = "top_k"
    coverage: ClassVar[str] = COVERAGE_OF_SHARES

    slices: Literal["annotated", "annotated_test"] = "annotated"
    """Slices the metric is computed on: only those with a mask can be."""
    k: Annotated[int, Field(ge=1, strict=True)] | Annotated[float, Field(gt=0, lt=1)] = 0.02
    """Number of pixels; below 1, their share of the slice."""

    def count(self, pixels: int) -> int:
        """Return how many pixels of a slice are shown: not more than it has."""
        return min(pixels, int(self.k) if self.k >= 1 else top_count(self.k, pixels))

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the share, in [0, 1]; of tied pixels, that which is expected."""
        scores, positive = sorted_scores(importance, sample.mask)
        count = self.count(scores.size)
        (hits,), _ = expected_hits(scores, positive, np.array([count]))
        return float(hits / count)

    def chance_of(self, sample: Sample) -> float:
        """Return what a constant map gets, and a random one on average."""
        return covered(sample.mask)

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed with these options."""
        shown = f"{self.k:g}" if self.k >= 1 else f"{100 * self.k:g} %"
        return f"Top k: the share of the {shown} most important pixels that lies in the mask."
