"""Sufficiency: is the answer still there if only the most important pixels are?"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import field_validator

from ct_importance.metrics.catalogue.faithfulness._masking import Masking
from ct_importance.metrics.filling import Fill
from ct_importance.metrics.fills.mean import Mean
from ct_importance.metrics.metric import Curves, Maps, Points, Probe, Sample
from ct_importance.metrics.top_pixels import top_count
from ct_importance.saliency.estimator import Cost
from ct_importance.task import DEFAULT_TASK, Task


class Sufficiency(Masking):
    """Mean over shares k of p - p(k), only the most important share k of the pixels kept.

    p is the probability of the class that is predicted of the slice as it is. 0: those pixels are
    enough; below 0, the classifier is surer of them than of the slice. It misleads where few pixels
    on the fill are unlike any slice, so that no map could be enough. (The metric of that name of
    Dasgupta et al. 2022, in Quantus, is another: how often slices with like maps are answered
    alike, a number of a cohort.)
    """

    title: ClassVar[str] = "Sufficiency"
    unit: ClassVar[str] = "probability lost"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = False
    reference: ClassVar[str] = "DeYoung et al. 2020, ERASER, arXiv 1911.03429"
    table: ClassVar[str] = "sufficiency"
    point_columns: ClassVar[dict[str, str]] = {"kept": "float64", "lost": "float64"}
    position_columns: ClassVar[tuple[str, ...]] = ("kept",)
    mean_columns: ClassVar[tuple[str, ...]] = ("lost",)

    shares: tuple[float, ...] = (0.01, 0.05, 0.1, 0.2, 0.5)
    """Shares of the pixels that are kept, rising."""
    fill: Fill = Mean()
    """What takes the place of the others: by_class, constant, mean, blur, noise or
    noisy_linear."""

    @field_validator("shares")
    @classmethod
    def _shares_rise(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if not shares or any(np.diff([0, *shares, 1]) <= 0):
            raise ValueError("give rising shares of the pixels, above 0 and below 1")
        return shares

    def cost(self, of_map: Cost) -> Cost:
        """Return a pass for each share of both variants, and one for the slice as it is."""
        return Cost(forward=2 * len(self.shares) + 1)

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return how much of the probability is lost, by variant.

        Args:
            sample: The slice.
            maps: Importance maps (H, W) by variant.
            probe: Needs a classifier; its seed decides the order of tied pixels.

        Returns:
            By variant: ``kept``, the share of the pixels, and ``lost``, p - p(kept), in [-1, 1].

        Raises:
            InputError: If a map or a logit is not finite.
        """
        assert sample.image is not None, "which the metric needs"
        pixels = sample.image.size
        masked = np.array([0, *(pixels - top_count(share, pixels) for share in self.shares)])
        found = self.probabilities(sample, maps, "lif", masked, self.fill, probe)
        return {
            variant: {"kept": np.array(self.shares), "lost": of_map[0] - of_map[1:]}
            for variant, of_map in found.items()
        }

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the mean over shares.

        Args:
            curves: Means of the classes at each share.

        Returns:
            ``value``, (B,), in [-1, 1].
        """
        return {"value": curves.means["lost"].mean(axis=1)}

    def figure_curves(self, curves: Curves) -> Curves:
        """Return ``lost`` by share."""
        return curves

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how sufficiency is computed with these options."""
        shares = ", ".join(f"{100 * share:g}" for share in self.shares)
        return (
            "Sufficiency is how much of the probability of the class predicted is lost if only the "
            f"most important pixels are kept, the mean over {shares} % of them: lower is better. "
            f"The others are masked {self.fill.in_words(task)}."
        )
