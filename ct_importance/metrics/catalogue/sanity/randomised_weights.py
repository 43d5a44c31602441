"""Does a map change when the classifier forgets what it has learnt? (Adebayo et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from ct_importance.metrics.metric import (
    Category,
    Curves,
    Maps,
    Metric,
    Points,
    Probe,
    Sample,
    of_variant,
)
from ct_importance.metrics.similarity import rank_correlation, structural_similarity
from ct_importance.metrics.variations.variation import Randomised
from ct_importance.task import DEFAULT_TASK, Task

MARGIN = 0.1
"""Of correlations: how much more alike maps of one slice must be to show that they follow it."""
UNCHANGED = 0.99
"""Correlation of maps that are the same."""


class RandomisedWeights(Metric):
    """Spearman's correlation of the map of a slice before and after layers are re-initialised.

    Layers are re-initialised from the output side, more and more of them; the value is that after
    all of them are. An estimator fails if the map after still follows the slice: if it is more like
    the map before of its own slice than like those of other patients (by `MARGIN`, with the whole
    interval), or if nothing changes. It is then made of the slice, not of what the classifier has
    learnt. It misleads as a merit: what is noise is first, and anatomy that all patients share is
    in maps of all of them. To pass is only the least that is asked.
    """

    title: ClassVar[str] = "Randomised Weights"
    unit: ClassVar[str] = "Correlation"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = False
    category: ClassVar[Category] = "sanity"
    reference: ClassVar[str] = "Adebayo et al. 2018, arXiv 1810.03292"
    needs: ClassVar[frozenset[str]] = frozenset({"variations", "others"})
    table: ClassVar[str] = "randomised_weights"
    heading: ClassVar[str] = "Likeness of maps before and after all layers are re-initialised"
    balanced: ClassVar[bool] = False
    point_columns: ClassVar[dict[str, str]] = {
        "layers": "float64",
        "ssim": "float64",
        "spearman": "float64",
        "ssim_of_patients": "float64",
        "spearman_of_patients": "float64",
    }
    position_columns: ClassVar[tuple[str, ...]] = ("layers",)
    mean_columns: ClassVar[tuple[str, ...]] = (
        *("ssim", "spearman", "ssim_of_patients", "spearman_of_patients"),
    )

    layers: tuple[float, ...] = Field((0.1, 0.5, 1.0), min_length=1)
    """Shares of the layers, from the output side, that are re-initialised, the last of them 1."""
    sample: int | None = Field(20, ge=2, le=100_000)
    """How many of the slices at most, of as many patients as possible; null: all."""

    @field_validator("layers")
    @classmethod
    def _rise_to_all(cls, layers: tuple[float, ...]) -> tuple[float, ...]:
        if list(layers) != sorted(set(layers)) or layers[0] <= 0 or layers[-1] != 1:
            raise ValueError("must rise from above 0 to 1, e.g. [0.1, 0.5, 1]")
        return layers

    @property
    def variations(self) -> tuple[Randomised, ...]:
        """The classifier with each share of its layers re-initialised."""
        options = {"slices": self.slices, "sample": self.sample}
        return tuple(Randomised(layers=share, **options) for share in self.layers)

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return how alike maps are for each share of the layers, by variant.

        Args:
            sample: A slice with its maps by randomised classifiers, and those of other patients.
            maps: Importance maps (H, W) by variant.
            probe: Not asked.

        Returns:
            By variant: ``layers``, ``ssim`` and ``spearman``, and the means of the same with the
            maps of other patients by the classifier without any layer, repeated in every row.
        """
        assert sample.variations is not None, "which the metric needs"
        assert sample.others is not None, "which the metric needs"
        points = {}
        for variant, importance in maps.items():
            after = of_variant(variant, sample.variations)
            others = of_variant(variant, sample.others)
            columns: Points = {"layers": np.array(self.layers)}
            for name, of in (("ssim", structural_similarity), ("spearman", rank_correlation)):
                columns[name] = np.array([of(importance, one) for one in after])
                between = np.mean([of(importance, one) for one in others])
                columns[f"{name}_of_patients"] = np.full(len(after), between)
            points[variant] = columns
        return points

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return how alike maps before and after all layers are re-initialised are.

        Returns:
            ``value`` (Spearman's correlation) and ``ssim`` of maps of one slice,
            ``spearman_of_patients`` and ``ssim_of_patients`` of a map before and those of other
            patients after, and ``excess`` of the first over the third, each (B,).
        """
        last = {name: values[:, -1] for name, values in curves.means.items()}
        value = last.pop("spearman")
        return {"value": value, "excess": value - last["spearman_of_patients"], **last}

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the curves as they are."""
        return curves

    def verdict(self, numbers: Mapping[str, float]) -> str:
        """Return whether an estimator passes; without an interval, the value itself is taken."""
        low = numbers.get("excess_low", np.nan)
        shown = numbers["excess"] if np.isnan(low) else low
        return "fails" if shown >= MARGIN or numbers["value"] >= UNCHANGED else "passes"

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed with these options."""
        shares = ", ".join(f"{share:.0%}" for share in self.layers)
        some = f"The last {shares} of the layers" if len(self.layers) > 1 else "All layers"
        return (
            f"{some} of the classifier are re-initialised (Adebayo et al. 2018), and the maps of "
            "the same class before and after are compared by Spearman's correlation; the value is "
            "that of all layers. An estimator fails if the map after is "
            "more like the map before of its own slice than like those of other patients, by a "
            f"correlation of {MARGIN:g} with the whole interval, or if nothing changes: it then "
            "follows the slice, not what the classifier has learnt."
        )
