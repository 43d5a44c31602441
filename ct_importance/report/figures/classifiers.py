"""The rank of each estimator by classifier and metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import axes as plot
    from matplotlib import figure

# Colours of Okabe and Ito (2008), by turns dark and light; shapes tell them apart in grey, too.
LOOKS = [
    *(("#0072B2", "o"), ("#7A4A00", "s"), ("#000000", "^"), ("#CC79A7", "D")),
    *(("#009E73", "v"), ("#2F97E8", "P"), ("#D55E00", "X"), ("#7F7F7F", "p")),
]
POINT = 1 / 72
"""In inches."""


class Classifiers(Figure):
    """A row per estimator; in it a marker per classifier, at the rank that it gives."""

    title: ClassVar[str] = "ranks by every classifier"
    caption: ClassVar[str] = (
        "Rank of each estimator by classifier and metric, the best on the left, for original (a) "
        "and absolute values (b) of its map. A line joins the ranks of an estimator: where it is "
        "upright, the classifiers agree. Estimators are in the order of their mean ranks. Ranks "
        "are those of the values; which differences the tests bear out, the tables say. A dagger "
        "marks controls, which know nothing of a classifier."
    )
    category: ClassVar[str] = "Across classifiers"
    reads: ClassVar[tuple[str, ...]] = ("ranks",)
    across: ClassVar[bool] = True

    controls: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it for every run of several classifiers."""
        return [cls(controls=run.controls)] if len(run.classifiers) > 1 else []

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"content": self.title}

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a row of panels per variant, with a panel per metric."""
        from matplotlib import pyplot as plt
        from matplotlib.lines import Line2D

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import PANEL_TITLES, marked_name, metric_name
        from ct_importance.report.style import DOUBLE_COLUMN
        from ct_importance.statistics.together import by_mean_rank

        ranks = read_frame(tables["ranks"])
        metrics = list(dict.fromkeys(ranks["metric"]))
        styles = _styles(list(dict.fromkeys(ranks["classifier"])))
        count = ranks["estimator"].nunique()
        height = count * max(9, 2.2 * len(styles) + 3) * POINT
        figure, grid = plt.subplots(
            *(len(PANEL_TITLES), len(metrics)),
            figsize=(DOUBLE_COLUMN, 2 * height + 1.1),
            squeeze=False,
            sharex=True,
            sharey="row",
        )
        for panels, (variant, title) in zip(grid, PANEL_TITLES.items(), strict=True):
            of_variant = ranks[ranks["variant"] == variant]
            order = by_mean_rank(of_variant)
            for axes, metric in zip(panels, metrics, strict=True):
                of_metric = of_variant[of_variant["metric"] == metric]
                _draw_ranks(axes, of_metric, order, styles)
                axes.set(title=metric_name(metric), xlim=(0.3, count + 0.7))
            panels[0].set_yticks(
                range(len(order)), [marked_name(name, self.controls) for name in order]
            )
            panels[0].set(ylim=(len(order) - 0.5, -0.5))
            panels[0].annotate(
                *(title, (0, 1)),
                xytext=(-6, 6),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="right",
            )
        step = 1 if count <= 10 else 5 if len(metrics) <= 4 else 10
        for axes in grid[-1]:
            axes.set(xlabel="rank", xticks=sorted({1, *range(step, count + 1, step)}))
        handles = [Line2D([], [], linestyle="none", **style) for style in styles.values()]
        figure.legend(handles=handles, loc="outside lower center", ncols=min(4, len(styles)))
        return figure


def _styles(classifiers: Sequence[str]) -> dict[str, dict[str, Any]]:
    looks = zip(classifiers, cycle(LOOKS), strict=False)
    return {
        name: {"color": colour, "marker": marker, "label": name, "markersize": 3.6}
        for name, (colour, marker) in looks
    }


def _draw_ranks(
    axes: plot.Axes,
    ranks: pd.DataFrame,
    order: Sequence[str],
    styles: Mapping[str, Mapping[str, Any]],
) -> None:
    """Draw a panel: rows are estimators in this order, the first on top.

    Markers of one row lie a little below each other: equal ranks would hide each other.
    """
    import numpy as np

    wide = ranks.pivot(index="estimator", columns="classifier", values="rank")
    for row in range(0, len(order), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#F2F2F2", linewidth=0, zorder=0)
    for row, estimator in enumerate(order):
        if estimator in wide.index:
            of_row = wide.loc[estimator].reindex(list(styles)).to_numpy()
            heights = row + 0.56 * (np.linspace(0, 1, len(styles)) - 0.5)
            there = ~np.isnan(of_row)
            axes.plot(of_row[there], heights[there], color="#888888", linewidth=0.8, zorder=1)
            for rank, height, style in zip(of_row, heights, styles.values(), strict=True):
                axes.plot(rank, height, markeredgewidth=0, zorder=2, **style)
    axes.tick_params(left=False, length=2)
    axes.grid(axis="x", color="#DDDDDD", linewidth=0.5)
    axes.spines["left"].set_visible(False)
