"""Does a map change when the sign that was planted is taken away? (Sun et al. 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ct_importance.metrics.metric import Category, Maps, Points, Probe, Sample, of_variant
from ct_importance.metrics.per_slice import PerSlice
from ct_importance.metrics.similarity import rank_correlation
from ct_importance.metrics.variations.variation import Toggled
from ct_importance.task import DEFAULT_TASK, Task


class PlantedLikeness(PerSlice):
    """Spearman's correlation of the maps of a slice with the sign and without it.

    Where the answer depends on the sign, a map that explains it has to change. It misleads as a
    merit: what is noise changes most, and so does the map of a classifier that hardly looks at the
    sign, if the estimator is unsteady. For a sign without a place it is all that can be asked.
    """

    title: ClassVar[str] = "Likeness without the Sign"
    unit: ClassVar[str] = "Correlation"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = False
    category: ClassVar[Category] = "faithfulness"
    reference: ClassVar[str] = "Sun et al. 2023, arXiv 2307.12344"
    needs: ClassVar[frozenset[str]] = frozenset({"variations"})
    table: ClassVar[str] = "planted_likeness"
    heading: ClassVar[str] = "Likeness of maps with and without the sign that was planted"

    slices: Literal["planted"] = "planted"
    """Slices the metric is computed on: those test slices that a sign was put on."""
    sample: int | None = Field(None, ge=2, le=100_000)
    """How many of the slices at most, of as many patients as possible; null: all."""

    @property
    def variations(self) -> tuple[Toggled, ...]:
        """The same slices without the sign."""
        return (Toggled(slices=self.slices, sample=self.sample),)

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the one point of a slice, by variant.

        Args:
            sample: A slice with the map of the same slice without the sign.
            maps: Importance maps (H, W) by variant.
            probe: Not asked.
        """
        assert sample.variations is not None, "which the metric needs"
        points = {}
        for variant, importance in maps.items():
            without = of_variant(variant, sample.variations)
            seen = replace(sample, variations=without)
            points[variant] = self.point(self.score(seen, importance, probe), sample)
        return points

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the correlation of one map with that of the slice without the sign."""
        assert sample.variations is not None, "which the metric needs"
        return rank_correlation(importance, sample.variations[0])

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed."""
        return (
            "Likeness without the sign: Spearman's correlation of the map of a slice with the sign "
            "that was planted and that of the same slice without it (Sun et al. 2023); where the "
            "answer depends on the sign, a map that explains it has to change."
        )
