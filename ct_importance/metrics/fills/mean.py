"""The mean of the slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ct_importance.metrics.filling import Filling
from ct_importance.task import DEFAULT_TASK, Task, grey_in_words

if TYPE_CHECKING:
    from ct_importance.metrics.metric import Probe, Sample


class Mean(Filling):
    """The mean grey value of the slice itself."""

    title: ClassVar[str] = "mean"

    def of(self, sample: Sample, probe: Probe) -> float:
        """Return the mean."""
        return mean_grey(sample)

    def in_words(self, task: Task = DEFAULT_TASK) -> str:
        """Return that it is the mean."""
        return f"in {grey_in_words('mean')}"

    def greys(self, task: Task) -> list[float | str | None]:
        """Return that it is the mean, whatever the class."""
        return ["mean"] * len(task.classes)


def mean_grey(sample: Sample) -> float:
    """Return the mean grey value of a slice."""
    assert sample.image is not None, "which the metric needs"
    return float(sample.image.mean(dtype=np.float64))
