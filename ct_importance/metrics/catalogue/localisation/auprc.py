"""Agreement of single pixels with the mask: area under the curve of precision by recall."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.localisation._against_mask import ShareAgainstMask
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.metrics.top_pixels import sorted_scores
from ct_importance.task import DEFAULT_TASK, Task


class Auprc(ShareAgainstMask):
    """Average precision: the mean, over the pixels of M, of |top and M| / |top|.

    The top are the pixels of the slice that are as important as the one in question, or more. It is
    what ROC is not: hard on small masks, where most of what a map shows lies outside. It misleads
    where masks differ in size, since chance does, too: compare with the chance beside it, never
    between cohorts.
    """

    title: ClassVar[str] = "AUPRC"
    unit: ClassVar[str] = "average precision"
    reference: ClassVar[str] = "Davis and Goadrich 2006; average_precision_score of scikit-learn"
    table: ClassVar[str] = "auprc"

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the average precision of one map, in (0, 1]."""
        scores, positive = sorted_scores(importance, sample.mask)
        shown = scores.size - np.searchsorted(scores, positive, side="left")
        hits = positive.size - np.searchsorted(positive, positive, side="left")
        return float((hits / shown).mean())

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed."""
        return (
            "Average precision: the share of the pixels shown that lies in the mask, averaged over "
            "thresholds at each pixel of the mask."
        )
