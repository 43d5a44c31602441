"""Deletion: how soon the answer is lost as the most important pixels are masked."""

from __future__ import annotations

from typing import ClassVar

from ct_importance.metrics.catalogue.faithfulness._probability import ProbabilityCurve
from ct_importance.metrics.filling import Fill
from ct_importance.metrics.fills.mean import Mean
from ct_importance.task import DEFAULT_TASK, Task


class Deletion(ProbabilityCurve):
    """Area under p(t), the most important share t of the pixels masked.

    p is the probability of the class that is predicted of the slice as it is. It misleads where any
    masked pixels upset the classifier: noise that is spread over the slice then deletes as fast as
    the truth, and the next class may be what the fill looks like. Fidelity, which takes the
    difference of both orders, is less at its mercy.
    """

    title: ClassVar[str] = "Deletion"
    higher_is_better: ClassVar[bool] = False
    table: ClassVar[str] = "deletion"
    orders: ClassVar[tuple[str, ...]] = ("mif",)

    fill: Fill = Mean()
    """What takes the place of masked pixels: by_class, constant, mean, blur, noise or
    noisy_linear."""

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how deletion is computed with these options."""
        return (
            "Deletion is the area under the probability of the class predicted as the most "
            f"important pixels are masked, {self.steps_in_words}: lower is better. Slices are "
            f"masked {self.fill.in_words(task)}."
        )
