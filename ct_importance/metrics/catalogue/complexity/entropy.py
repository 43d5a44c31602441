"""How widely the importance is spread: the entropy of a map."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ct_importance.metrics.metric import Category, Maps, Points, Probe, Sample
from ct_importance.metrics.per_slice import PerSlice
from ct_importance.task import DEFAULT_TASK, Task


class Entropy(PerSlice):
    """- sum of p log p over pixels, p = |E| / sum of |E|, in nats: the complexity of a map.

    log N where all pixels are alike, 0 where one has everything; of a map of zeros it is undefined.
    It misleads if taken for a merit: a map that shows one wrong pixel is as simple as can be. And
    it depends on the size of the slices, so compare within a cohort alone.
    """

    title: ClassVar[str] = "Entropy"
    unit: ClassVar[str] = "entropy (nats)"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = False
    category: ClassVar[Category] = "complexity"
    reference: ClassVar[str] = "Bhatt et al. 2020, arXiv 2005.00631, section 3.3"
    undefined_where: ClassVar[str] = "a map is 0 everywhere"
    needs: ClassVar[frozenset[str]] = frozenset()
    table: ClassVar[str] = "entropy"

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the point of the map; that of its absolute values is the same."""
        return super().evaluate(sample, {"original": maps["original"]}, probe)

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the entropy of the absolute values in nats, in [0, log N]; NaN of zeros."""
        size = np.abs(importance.astype(np.float64)).ravel()
        highest = size.max()
        if highest == 0:
            return math.nan
        # Those that are 0 add nothing.
        share = size[size > 0] / highest
        share = share / share.sum()
        share = share[share > 0]
        return float(max(0.0, -(share * np.log(share)).sum()))

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed, and what it does not say."""
        return (
            "Entropy of the absolute importance as shares of its sum, in nats: the logarithm of "
            "the number of pixels where it is spread evenly. Low values, of maps that are easier "
            "to read, count as better; such maps need not be right."
        )
