"""Which metric ranks the estimators as the truth does?"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.cohort.options import PlantedOptions
from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    from matplotlib import figure


class PlantedMetrics(Figure):
    """A row per metric, a panel per classifier that uses its sign."""

    title: ClassVar[str] = "which metric knew"
    category: ClassVar[str] = "Planted signs"
    caption: ClassVar[str] = (
        "Kendall's tau-b between the ranking of the estimators by each metric and by what their "
        "maps show of a sign that was put on slices: 1, the metric ranks as the truth does; 0 "
        "(line), it knows nothing of it; -1, it ranks the other way round. Bars: intervals from "
        "resamples of the patients; chance in the values moves tau towards 0. Controls are left "
        "out. A classifier whose answer flips nowhere, or whose sign has no place, has no panel."
    )
    reads: ClassVar[tuple[str, ...]] = ("knew",)
    across: ClassVar[bool] = True

    truth: str
    """The entry of the metric that says what maps show of the sign."""
    unit: str
    """Of its value."""
    planted: dict[str, PlantedOptions]
    """What is put on slices, by classifier."""

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return one, by the first metric against the mask of the sign that the run has."""
        if len(run.against_signs) == len(run.metrics):
            return []
        first = [
            (name, metric)
            for name, metric in run.against_signs.items()
            if metric.category == "localisation"
        ][:1]
        planted = dict(run.planted)
        return [cls(truth=name, unit=metric.unit, planted=planted) for name, metric in first]

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"content": self.title}

    @property
    def notes(self) -> str:
        """By which metric the truth is told."""
        return f"The truth is told by {self.unit} ({self.truth})."

    def draw(self, tables: Tables) -> figure.Figure:
        """Return the panels."""
        from ct_importance.io.table_file import read_frame
        from ct_importance.report.figures.planted._by_classifier import (
            draw_rows,
            panels,
            title_of,
        )
        from ct_importance.report.names import metric_name
        from ct_importance.statistics.planted.order import in_order, rows_in_order

        knew = read_frame(tables["knew"])
        knew = knew[knew["truth"] == self.truth]
        order = rows_in_order(knew, "metric", "tau", self.planted)
        using = set(knew["classifier"])
        titles = {
            name: title_of(name, it) for name, it in in_order(self.planted).items() if name in using
        }
        if not titles:
            titles = {"": "no answer flips"}
        drawn, found = panels(titles, [metric_name(it) for it in order] or [""], "Kendall's tau-b")
        for classifier, axes in found.items():
            axes.axvline(0, color="#767676", linewidth=0.8)
            axes.set_xlim(-1.05, 1.05)
            axes.set_xticks([-1, 0, 1], ["−1", "0", "1"])
            draw_rows(axes, knew[knew["classifier"] == classifier], "metric", order, "tau")
        return drawn
