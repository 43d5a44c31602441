"""One grey value."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.metrics.filling import Filling
from ct_importance.task import DEFAULT_TASK, Task, grey_in_words

if TYPE_CHECKING:
    from ct_importance.metrics.metric import Probe, Sample


class Constant(Filling):
    """The same grey value in all slices."""

    title: ClassVar[str] = "constant"

    value: float = Field(0.0, ge=0, le=1)
    """The grey value, from 0 (black) to 1 (white)."""

    def of(self, sample: Sample, probe: Probe) -> float:
        """Return the grey value."""
        return self.value

    def in_words(self, task: Task = DEFAULT_TASK) -> str:
        """Return which grey it is."""
        return f"in {grey_in_words(self.value)}"

    def greys(self, task: Task) -> list[float | str | None]:
        """Return the grey value, whatever the class."""
        return [self.value] * len(task.classes)
