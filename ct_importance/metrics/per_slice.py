"""Metrics that are one number per slice, and their mean over slices in tables."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from ct_importance.metrics.metric import Curves, Maps, Metric, Points, Probe, Sample

COVERAGE_OF_SHARES = "93.0 to 95.3 % (30 patients) and 89.4 to 94.4 % (12), less the more skewed"
"""How often intervals of the mean of a number in [0, 1] held the truth in simulations."""


class PerSlice(Metric, ABC):
    """A metric that is one number per slice.

    Where the number is undefined, the slice is left out of the mean, and the details of the table
    say of how many slices that is true. Of an estimator without any other slice the value is NaN,
    which ranks last.
    """

    balanced: ClassVar[bool] = False
    point_columns: ClassVar[dict[str, str]] = {
        "score": "float64",
        "defined": "float64",
        "chance": "float64",
    }
    position_columns: ClassVar[tuple[str, ...]] = ()
    mean_columns: ClassVar[tuple[str, ...]] = ("score", "defined", "chance")

    @abstractmethod
    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the number of one map (H, W); NaN where it is undefined."""

    def chance_of(self, sample: Sample) -> float:
        """Return the expected number of a random map; NaN if it is not known."""
        return math.nan if self.chance is None else self.chance

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return one point of a slice, by variant.

        Args:
            sample: A slice with what the metric needs.
            maps: Importance maps (H, W) by variant.
            probe: What the metric needs beside it.

        Returns:
            By variant: ``score`` (0 where it is undefined), whether it is ``defined``, and the
            ``chance`` of a random map; of several readers, means over them.
        """
        return {
            variant: self.point(self.score(sample, importance, probe), sample)
            for variant, importance in maps.items()
        }

    def point(self, score: float, sample: Sample) -> Points:
        """Return the one point of a map of a slice that has this number."""
        return {
            "score": np.array([np.nan_to_num(score)]),
            "defined": np.array([float(not math.isnan(score))]),
            "chance": np.array([self.chance_of(sample)]),
        }

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the mean over those slices of which the number is defined.

        Args:
            curves: Means over slices, of one point.

        Returns:
            ``value`` (NaN if it is undefined on all slices), ``undefined`` (the share of the slices
            that it is undefined on) and, where it differs from slice to slice, ``chance``: the mean
            of that of all slices. Each (B,).
        """
        score, defined, chance = (curves.means[name][:, 0] for name in self.mean_columns)
        found = {"value": mean_where_defined(score, defined), "undefined": 1 - defined}
        return found | ({"chance": chance} if self.chance_of_slice else {})

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the value as the one point of a curve."""
        return Curves({}, {"score": self.summarise(curves)["value"][:, None]})


def mean_where_defined(scores: np.ndarray, defined: np.ndarray) -> np.ndarray:
    """Return means over those slices alone of which a number is defined; NaN without any.

    Args:
        scores: (B,), means over all slices, where 0 stands for what is undefined.
        defined: (B,), the share of the slices of which the number is defined.

    Example:
        >>> mean_where_defined(np.array([1.5, 0.0]), np.array([0.5, 0.0])).tolist()
        [3.0, nan]
    """
    found: np.ndarray = np.full_like(scores, np.nan)
    np.divide(scores, defined, out=found, where=defined > 0)
    return found
