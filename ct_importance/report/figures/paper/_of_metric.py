"""What figures of one metric have in common."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Self

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figure import Figure, Outline
from ct_importance.report.names import SUBSET_NAMES


class OfMetric(Figure, ABC):
    """A figure of the metric's entry of that name."""

    entry: ClassVar[str]
    """Name of the entry in config.yaml."""
    of_answer: ClassVar[str | None] = None
    """What the metric must read of its points (key `answer`); None if it has no such key."""

    metric: ChosenMetric

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it where the metric is measured, and reads of its points what is shown."""
        chosen = run.metrics.get(cls.entry)
        if chosen is None or chosen.options.get("answer") != cls.of_answer:
            return []
        return [cls(**cls.fields_of(run))]

    @classmethod
    def fields_of(cls, run: Outline) -> dict[str, Any]:
        """Return its fields in a run that has the metric."""
        return {"metric": run.metrics[cls.entry]}

    @property
    def notes(self) -> str:
        """Which slices it is of."""
        return f"Slices: {SUBSET_NAMES[self.metric.metric.slices]}."


class CurvesOfMetric(OfMetric, ABC):
    """Curves of all estimators."""

    estimators: tuple[str, ...]

    @classmethod
    def fields_of(cls, run: Outline) -> dict[str, Any]:
        """Return its fields in a run that has the metric."""
        return super().fields_of(run) | {"estimators": run.estimators}
