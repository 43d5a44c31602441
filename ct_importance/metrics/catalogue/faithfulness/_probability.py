"""What insertion and deletion share: the area under the probability of the class predicted."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ct_importance.metrics.catalogue.faithfulness._masking import Stepwise
from ct_importance.metrics.filling import Fill
from ct_importance.metrics.metric import Curves, Maps, Points, Probe, Sample


class ProbabilityCurve(Stepwise, ABC):
    """Base of metrics that are the area under the probability of the class predicted."""

    unit: ClassVar[str] = "area"
    decimals: ClassVar[int] = 2
    reference: ClassVar[str] = "Petsiuk et al. 2018, arXiv 1806.07421"
    point_columns: ClassVar[dict[str, str]] = {"fraction": "float64", "probability": "float32"}
    position_columns: ClassVar[tuple[str, ...]] = ("fraction",)
    mean_columns: ClassVar[tuple[str, ...]] = ("probability",)

    fill: Fill

    def counts(self, pixels: int) -> NDArray[np.int64]:
        """Return how many pixels are masked at each of the `fractions`.

        Args:
            pixels: Of the slice.
        """
        return self.masked_counts(pixels)

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the probability of the class that is predicted of the slice as it is, by variant.

        Args:
            sample: The slice.
            maps: Importance maps (H, W) by variant.
            probe: Needs a classifier; its seed decides the order of tied pixels.

        Returns:
            By variant: ``fraction`` in [0, 1] of the pixels that are masked, or shown, and
            ``probability``.

        Raises:
            InputError: If a map or a logit is not finite.
        """
        assert sample.image is not None, "which the metric needs"
        (order,), counts = self.orders, self.counts(sample.image.size)
        found = self.probabilities(sample, maps, order, counts, self.fill, probe)
        return {
            variant: {"fraction": self.fractions, "probability": of_map.astype(np.float32)}
            for variant, of_map in found.items()
        }

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the area under the averaged curve.

        Args:
            curves: Means of the classes at each fraction.

        Returns:
            ``value``, (B,), in [0, 1].
        """
        area = np.trapezoid(curves.means["probability"], curves.positions["fraction"])
        return {"value": area}

    def figure_curves(self, curves: Curves) -> Curves:
        """Return ``probability`` by fraction."""
        return curves
