"""Whether the most important pixel lies in the mask: the pointing game, or hit rate."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from ct_importance.metrics.catalogue.localisation._against_mask import AgainstMask
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.metrics.per_slice import PerSlice
from ct_importance.metrics.top_pixels import check_mask
from ct_importance.task import DEFAULT_TASK, Task


class PointingGame(AgainstMask, PerSlice):
    """1 where the maximum of E lies in M, else 0; of several maxima, the share that does.

    Its mean over slices is the hit rate. It misleads by all that it does not look at: a map that is
    right in one pixel and wrong in all others scores 1. Noisy maps have their maximum anywhere, and
    slices are few: see how wide its intervals are.
    """

    title: ClassVar[str] = "Pointing game"
    unit: ClassVar[str] = "hit rate"
    reference: ClassVar[str] = (
        "Zhang et al. 2018, arXiv 1608.00507; hit rate: Saporta et al. 2022, doi "
        "10.1038/s42256-022-00536-x"
    )
    chance_of_slice: ClassVar[str] = "the share of the slice that counts as a hit"
    table: ClassVar[str] = "pointing_game"
    coverage: ClassVar[str] = (
        "about 97 % (30 patients, hit rates of 0.2 to 0.8) and 92 to 98 % (12)"
    )

    tolerance: float = Field(0, ge=0, le=1000)
    """How far from the mask, in pixels of the slice that the classifier sees, is still a hit."""

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the share of the maxima that lie in the mask, or near it, in [0, 1]."""
        return float(self._near(sample)[importance == importance.max()].mean())

    def chance_of(self, sample: Sample) -> float:
        """Return what a random map gets."""
        return float(self._near(sample).mean())

    def _near(self, sample: Sample) -> np.ndarray:
        """Return which pixels (H, W) are a hit."""
        mask = check_mask(sample.mask)
        if not self.tolerance:
            return mask
        from scipy.ndimage import distance_transform_edt

        near: np.ndarray = distance_transform_edt(~mask) <= self.tolerance
        return near

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed with these options."""
        near = f", or at most {self.tolerance:g} pixels away" if self.tolerance else ""
        return f"Hit rate: how often the most important pixel lies in the mask{near}."
