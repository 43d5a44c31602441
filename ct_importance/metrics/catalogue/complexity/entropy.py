"""How widely the importance is spread: the entropy of a map."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.complexity._of_size import OfSize
from ct_importance.task import DEFAULT_TASK, Task


class Entropy(OfSize):
    """- sum of p log p over pixels, p = |E| / sum of |E|, in nats: the complexity of a map.

    log N where all pixels are alike, 0 where one has everything; of a map of zeros it is undefined.
    It misleads if taken for a merit: a map that shows one wrong pixel is as simple as can be. And
    it depends on the size of the slices, so compare within a cohort alone.
    """

    title: ClassVar[str] = "Entropy"
    unit: ClassVar[str] = "entropy (nats)"
    higher_is_better: ClassVar[bool] = False
    reference: ClassVar[str] = "Bhatt et al. 2020, arXiv 2005.00631, section 3.3"
    table: ClassVar[str] = "entropy"

    @staticmethod
    def spread(size: np.ndarray) -> float:
        """Return the entropy in nats, in [0, log N]."""
        # Those that are 0 add nothing.
        share = size[size > 0]
        share = share / share.sum()
        share = share[share > 0]
        return float(max(0.0, -(share * np.log(share)).sum()))

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed, and what it does not say."""
        return (
            "Entropy of the absolute importance as shares of its sum, in nats: the logarithm of "
            "the number of pixels where it is spread evenly. Low values, of maps that are easier "
            "to read, count as better; such maps need not be right."
        )
