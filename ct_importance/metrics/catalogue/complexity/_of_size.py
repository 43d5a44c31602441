"""What metrics share that ask how the importance is spread, whatever its sign."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from ct_importance.metrics.metric import Category, Maps, Points, Probe, Sample
from ct_importance.metrics.per_slice import PerSlice


class OfSize(PerSlice, ABC):
    """Base of metrics of the absolute values of a map; of a map of zeros they are undefined."""

    decimals: ClassVar[int] = 2
    category: ClassVar[Category] = "complexity"
    undefined_where: ClassVar[str] = "a map is 0 everywhere"
    needs: ClassVar[frozenset[str]] = frozenset()

    @staticmethod
    @abstractmethod
    def spread(size: np.ndarray) -> float:
        """Return the number of absolute values (N,), of which the highest is 1."""

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the point of the map; that of its absolute values is the same."""
        return super().evaluate(sample, {"original": maps["original"]}, probe)

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the number of one map (H, W); NaN of zeros."""
        size = np.abs(importance.astype(np.float64)).ravel()
        highest = size.max()
        # Scaled, so that no sum can be infinite or lose what is very small.
        return math.nan if highest == 0 else self.spread(size / highest)
