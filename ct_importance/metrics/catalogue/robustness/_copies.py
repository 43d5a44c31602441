"""What metrics share that compare the map of a slice with those of noisy copies of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from ct_importance.metrics.metric import Category, Maps, Metric, Points, Probe, Sample, of_variant
from ct_importance.metrics.variations.reading import answer_changes


class OfCopies(Metric, ABC):
    """Base of metrics of one point per slice, made of the maps and the answers of its copies."""

    decimals: ClassVar[int] = 2
    category: ClassVar[Category] = "robustness"
    needs: ClassVar[frozenset[str]] = frozenset({"variations", "scores"})
    balanced: ClassVar[bool] = False
    position_columns: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def point(self, importance: np.ndarray, after: np.ndarray, answers: np.ndarray) -> Points:
        """Return the one point of a slice.

        Args:
            importance: Its map (H, W).
            after: The maps of its copies, (V, H, W).
            answers: How far the answer changed with each of them, (V,).
        """

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the point of a slice (`point`), by variant.

        Args:
            sample: A slice with the maps of its copies, and the scores of all.
            maps: Importance maps (H, W) by variant.
            probe: Not asked.
        """
        assert sample.variations is not None, "which the metric needs"
        answers = answer_changes(sample)
        return {
            variant: self.point(importance, of_variant(variant, sample.variations), answers)
            for variant, importance in maps.items()
        }
