"""Which share of the positive importance lies in the mask."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.localisation._against_mask import ShareAgainstMask
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.metrics.top_pixels import check_mask
from ct_importance.task import DEFAULT_TASK, Task


class RelevanceMass(ShareAgainstMask):
    """sum of E+ inside M / sum of E+, where E+ are the positive values.

    Of a map without any it is undefined. It misleads where a map has a few very high values: they
    decide alone. And a faint haze over the whole slice costs much, though nobody would see it.
    """

    title: ClassVar[str] = "Relevance mass"
    unit: ClassVar[str] = "relevance mass"
    reference: ClassVar[str] = "Arras et al. 2022, arXiv 2003.07258"
    undefined_where: ClassVar[str] = "a map has no positive value"
    table: ClassVar[str] = "relevance_mass"

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the share, in [0, 1]; NaN of a map without positive values."""
        mask = check_mask(sample.mask)
        positive = np.maximum(importance.astype(np.float64), 0)
        # Scaled, so that no sum can be infinite or lose what is very small.
        highest = positive.max()
        if highest == 0:
            return math.nan
        positive /= highest
        return float(positive[mask].sum() / positive.sum())

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed."""
        return "Relevance mass: the share of the positive importance that lies in the mask."
