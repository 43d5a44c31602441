"""What figures of one metric have in common."""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figure import Figure, Outline
from ct_importance.report.names import SUBSET_NAMES

if TYPE_CHECKING:
    import pandas as pd

MOST_CURVES, IN_COLOUR = 16, 12
"""Of more estimators than the first, as many as the second says have curves in colour."""


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

    @property
    def notes(self) -> str:
        """Which slices it is of, and which curves can be told apart."""
        if len(self.estimators) <= MOST_CURVES:
            return super().notes
        return (
            f"The {IN_COLOUR} estimators with the best values of absolute maps are in colour, the "
            f"others grey and without bands. {super().notes}"
        )

    def styles(self, values: pd.DataFrame) -> dict[str, dict[str, Any]]:
        """Return how the curve of each estimator is drawn: of many, all but the best are grey.

        Args:
            values: Columns estimator, variant and value.
        """
        from ct_importance.report.style import OTHERS, line_styles

        styles = line_styles(self.estimators)
        if len(styles) <= MOST_CURVES:
            return styles
        absolute = values[values.variant == "absolute"]
        ascending = [not self.metric.metric.higher_is_better, True]
        best_first = absolute.sort_values(["value", "estimator"], ascending=ascending).estimator
        best = set(best_first[:IN_COLOUR])
        return {name: style if name in best else OTHERS for name, style in styles.items()}

    @classmethod
    def fields_of(cls, run: Outline) -> dict[str, Any]:
        """Return its fields in a run that has the metric."""
        return super().fields_of(run) | {"estimators": run.estimators}
