"""Insertion: how soon the answer comes as the most important pixels are shown."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ct_importance.metrics.catalogue.faithfulness._probability import ProbabilityCurve
from ct_importance.metrics.filling import Fill
from ct_importance.metrics.fills.blur import Blur
from ct_importance.task import DEFAULT_TASK, Task


class Insertion(ProbabilityCurve):
    """Area under p(t), the most important share t of the pixels shown in a blurred slice.

    p is the probability of the class that is predicted of the slice as it is. It misleads where the
    blurred slice is enough for the answer: the curve then starts high whatever is shown, and maps
    hardly differ. See where that of random maps starts.
    """

    title: ClassVar[str] = "Insertion"
    higher_is_better: ClassVar[bool] = True
    table: ClassVar[str] = "insertion"
    orders: ClassVar[tuple[str, ...]] = ("lif",)

    fill: Fill = Blur()
    """What the pixels are that are not shown yet: by_class, constant, mean, blur, noise or
    noisy_linear."""

    def counts(self, pixels: int) -> NDArray[np.int64]:
        """Return how many are masked where the share shown is one of the `fractions`."""
        return pixels - self.masked_counts(pixels)

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how insertion is computed with these options."""
        return (
            "Insertion is the area under the probability of the class predicted as the most "
            f"important pixels are shown, {self.steps_in_words}: higher is better. Pixels that are "
            f"not shown are masked {self.fill.in_words(task)}."
        )
