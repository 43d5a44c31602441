"""What metrics share that compare a map with the mask of experts, or of a sign that was planted."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar, Literal

from ct_importance.metrics.metric import Category, Metric, Sample
from ct_importance.metrics.per_slice import COVERAGE_OF_SHARES, PerSlice
from ct_importance.metrics.top_pixels import covered


class AgainstMask(Metric, ABC):
    """Base of metrics of how far a map and a mask agree."""

    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = True
    category: ClassVar[Category] = "localisation"
    needs: ClassVar[frozenset[str]] = frozenset({"mask"})
    balanced: ClassVar[bool] = False

    slices: Literal["annotated", "annotated_test", "planted"] = "annotated"
    """Slices the metric is computed on: only those with a mask can be. `planted` are those test
    slices that a sign was put on (`planted` of a classifier); the mask is then that of the sign."""


class ShareAgainstMask(AgainstMask, PerSlice, ABC):
    """Base of those that are a share per slice, of which a random map gets what the mask covers."""

    chance_of_slice: ClassVar[str] = "the share of the slice that the mask covers"
    coverage: ClassVar[str] = COVERAGE_OF_SHARES

    def chance_of(self, sample: Sample) -> float:
        """Return what a constant map gets, and a random one on average, or hardly more."""
        return covered(sample.mask)
