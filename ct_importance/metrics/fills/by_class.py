"""The paper's fill: each class has a grey value of its own, which hides it (section 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.metrics.filling import Filling
from ct_importance.metrics.fills.mean import mean_grey
from ct_importance.task import DEFAULT_TASK, Task

if TYPE_CHECKING:
    from ct_importance.metrics.metric import Probe, Sample


class ByClass(Filling):
    """The grey value that hides the slice's own class (key `fill` of the task).

    It knows the label: what is put in can move the answer by itself. The curve of a random map
    shows how much.
    """

    title: ClassVar[str] = "by class"

    def of(self, sample: Sample, probe: Probe) -> float:
        """Return the grey value."""
        fill = probe.fill[sample.label]
        return mean_grey(sample) if fill == "mean" else fill

    def in_words(self, task: Task = DEFAULT_TASK) -> str:
        """Return what hides each class."""
        return task.fill_in_words

    def greys(self, task: Task) -> list[float | str | None]:
        """Return the grey value of each class."""
        return list(task.fill)
