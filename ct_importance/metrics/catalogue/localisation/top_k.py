"""How many of the k most important pixels lie in the mask."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ct_importance.metrics.catalogue.localisation._against_mask import ShareAgainstMask
from ct_importance.metrics.metric import Probe, Sample
from ct_importance.metrics.top_pixels import expected_hits, sorted_scores, top_count
from ct_importance.task import DEFAULT_TASK, Task


class TopK(ShareAgainstMask):
    """|top-k and M| / k: the share of the k most important pixels that lies in the mask.

    It misleads where the mask has fewer than k pixels: then not even the mask itself reaches 1, and
    slices with large masks decide. Choose k below the size of the smallest.
    """

    title: ClassVar[str] = "Top k"
    unit: ClassVar[str] = "top-k intersection"
    reference: ClassVar[str] = "Theiner et al. 2022, arXiv 2104.14995"
    table: ClassVar[str] = "top_k"

    k: Annotated[int, Field(ge=1, strict=True)] | Annotated[float, Field(gt=0, lt=1)] = 0.02
    """Number of pixels; below 1, their share of the slice."""

    def count(self, pixels: int) -> int:
        """Return how many pixels of a slice are shown: not more than it has."""
        return min(pixels, int(self.k) if self.k >= 1 else top_count(self.k, pixels))

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the share, in [0, 1]; of tied pixels, that which is expected."""
        scores, positive = sorted_scores(importance, sample.mask)
        count = self.count(scores.size)
        (hits,), _ = expected_hits(scores, positive, np.array([count]))
        return float(hits / count)

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed with these options."""
        shown = f"{self.k:g}" if self.k >= 1 else f"{100 * self.k:g} %"
        return f"Top k: the share of the {shown} most important pixels that lies in the mask."
