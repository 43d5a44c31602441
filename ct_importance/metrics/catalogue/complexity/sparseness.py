"""How few pixels hold the importance: the Gini index of a map."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.complexity._of_size import OfSize
from ct_importance.metrics.per_slice import COVERAGE_OF_SHARES
from ct_importance.task import DEFAULT_TASK, Task


class Sparseness(OfSize):
    """Gini index: sum of (2 i - N - 1) |E|_i / (N sum of |E|), over pixels i by rising |E|.

    0 where all pixels are alike, near 1 where one has everything; of a map of zeros it is
    undefined. It misleads if taken for a merit: a map that shows one wrong pixel is as sparse as
    can be. It says how easily a map is read, beside metrics that say whether it is right.
    """

    title: ClassVar[str] = "Sparseness"
    unit: ClassVar[str] = "Gini index"
    higher_is_better: ClassVar[bool] = True
    reference: ClassVar[str] = "Chalasani et al. 2020, arXiv 1810.06583, section 5"
    table: ClassVar[str] = "sparseness"
    coverage: ClassVar[str] = COVERAGE_OF_SHARES

    @staticmethod
    def spread(size: np.ndarray) -> float:
        """Return the Gini index, in [0, 1)."""
        size = np.sort(size)
        weights = 2 * np.arange(1, size.size + 1) - size.size - 1
        return float(weights @ size / (size.size * size.sum()))

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed, and what it does not say."""
        return (
            "Sparseness: the Gini index of the absolute importance, 0 where it is spread evenly. "
            "Sparse maps, which are easier to read, count as better; they need not be right."
        )
