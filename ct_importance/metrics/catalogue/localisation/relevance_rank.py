"""How many of the most important pixels, as many as the mask has, lie in the mask."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.localisation._against_mask import ShareAgainstMask
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.metrics.top_pixels import expected_hits, sorted_scores
from ct_importance.task import DEFAULT_TASK, Task


class RelevanceRank(ShareAgainstMask):
    """|top and M| / |M|, where the top are the |M| most important pixels.

    The mask itself scores 1. It misleads where masks are drawn generously: what a classifier needs
    may be a part of the structure, and the other pixels of the mask then count as missed.
    """

    title: ClassVar[str] = "Relevance rank"
    unit: ClassVar[str] = "relevance rank"
    reference: ClassVar[str] = "Arras et al. 2022, arXiv 2003.07258"
    table: ClassVar[str] = "relevance_rank"

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the share, in [0, 1]; of tied pixels, that which is expected."""
        scores, positive = sorted_scores(importance, sample.mask)
        (hits,), _ = expected_hits(scores, positive, np.array([positive.size]))
        return float(hits / positive.size)

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed."""
        return (
            "Relevance rank: the share of the mask that is among as many most important pixels as "
            "the mask has."
        )
