"""Values with intervals, and bars that join what could not be told apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figure import Figure, Outline, Tables
from ct_importance.report.names import metric_name
from ct_importance.statistics.options import StatisticsOptions

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import figure
    from matplotlib.axes import Axes

WIDTH = 0.11
"""Inches of a group beyond the sixth: so much wider is the figure."""
BAR, CHANCE = "#444444", "#BBBBBB"
CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7}


class Differences(Figure):
    """The estimators by one metric, of one variant of their maps."""

    title: ClassVar[str] = "values with intervals"
    caption: ClassVar[str] = (
        "Value of each estimator with its interval, best on top, in the colour it has in all "
        "figures; the grey line is what a random map gets, where that is known. Dark bars at the "
        "right join estimators that could not be shown to differ (a dot marks each member of a "
        "group): paired permutation test by patient, and by training where there are several, "
        "Holm-corrected over all pairs, in the style of Demsar 2006. With too few patients no test "
        "is possible, and there are no bars. The confidence of the intervals and the family-wise "
        "error rate are those of the section statistics of the configuration. A dagger marks "
        "controls, which know nothing of the classifier."
    )
    category: ClassVar[str] = "Differences"
    reads: ClassVar[tuple[str, ...]] = ("values", "comparisons")

    metric: ChosenMetric
    variant: Literal["original", "absolute"]
    estimators: tuple[str, ...]
    controls: tuple[str, ...]
    statistics: StatisticsOptions

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return one per metric and variant."""
        of_all = {
            "estimators": run.estimators,
            "controls": run.controls,
            "statistics": run.statistics,
        }
        return [
            cls(metric=metric, variant=variant, **of_all)
            for metric in run.metrics.values()
            for variant in ("original", "absolute")
        ]

    @property
    def name(self) -> str:
        """Name of its files."""
        return f"differences_{self.metric.name}_{self.variant}"

    @property
    def heading(self) -> str:
        """What its files and the list of captions call it."""
        return f"{super().heading} by {metric_name(self.metric.name)}, {self.variant} values"

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"metric": self.metric.name, "values": self.variant}

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a row per estimator, and its groups beside it."""
        import pandas as pd
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.style import SINGLE_COLUMN, line_styles
        from ct_importance.report.tables.notes import no_test
        from ct_importance.statistics.comparisons import differing_pairs, letter_groups

        metric, options = self.metric.metric, self.statistics
        all_values = read_frame(tables["values"])
        values = all_values[all_values.variant == self.variant].sort_values(
            ["value", "estimator"], ascending=[not metric.higher_is_better, True]
        )
        order = list(values.estimator)
        comparisons = read_frame(tables["comparisons"])
        differing = differing_pairs(comparisons, self.variant, 1 - options.confidence)
        untested = no_test(values.patients.iloc[0], len(order), options)
        groups = [] if untested else letter_groups(order, differing)
        groups = [group for group in groups if len(group) > 1]
        figure, (axes, bars) = plt.subplots(
            1,
            2,
            figsize=(SINGLE_COLUMN + WIDTH * max(0, len(groups) - 6), 0.7 + 0.22 * len(order)),
            sharey=True,
            width_ratios=[8, max(1, 0.6 * len(groups))],
        )
        show_values(axes, values, line_styles(self.estimators, self.controls))
        chance = values.get("chance", pd.Series([metric.chance], dtype=float)).dropna()
        if len(chance):
            axes.axvspan(chance.min(), chance.max(), color=CHANCE, linewidth=1, zorder=0)
        show_groups(bars, order, groups)
        for note in untested:
            show_note(bars, note.partition(":")[0].replace(" with ", "\nwith "))
        axes.set_xlabel(f"{metric.unit}, {self.variant} values")
        return figure


def show_values(axes: Axes, values: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Show values with intervals, a row per estimator."""
    for place, row in enumerate(values.itertuples()):
        colour = styles[row.estimator]["color"]
        axes.plot([row.value_low, row.value_high], [place, place], color=colour, linewidth=1.6)
        axes.plot(row.value, place, marker="o", markersize=4.5, color=colour)
        if math.isnan(row.value):
            axes.text(0.5, place, "undefined", transform=axes.get_yaxis_transform(), **CENTRED)
    axes.set(
        yticks=range(len(values)),
        yticklabels=[styles[name]["label"] for name in values.estimator],
        ylim=(len(values) - 0.5, -0.5),
    )
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)


def show_groups(axes: Axes, order: Sequence[str], groups: Sequence[Sequence[str]]) -> None:
    """Show a bar per group, with a dot for each member."""
    for number, group in enumerate(groups):
        places = [order.index(name) for name in group]
        axes.plot([number] * 2, [places[0], places[-1]], color=BAR, linewidth=2.5)
        axes.plot([number] * len(places), places, "o", color=BAR, markersize=4)
    axes.set(xlim=(-0.7, max(1, len(groups)) - 0.3), xticks=[])
    axes.tick_params(left=False)
    axes.spines[:].set_visible(False)


def show_note(axes: Axes, note: str) -> None:
    """Show in place of the bars that there is no test."""
    axes.text(0.5, 0.5, note, rotation=90, transform=axes.transAxes, **CENTRED)
