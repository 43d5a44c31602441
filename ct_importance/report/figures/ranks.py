"""The rank of each estimator by each metric, as far as the tests show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import axes as plot
    from matplotlib import figure

# Millimetres.
ROW, LETTER, TOP, BOTTOM, BETWEEN = 3.3, 1.12, 7.0, 7.5, 2.0
NARROWEST = 11.0
"""A panel with room for a rank and its interval."""
MOST_IN_A_COLUMN = 28
"""Estimators of which both variants stand below each other."""


class Ranks(Figure):
    """A row per estimator, and in it a number for its rank by each metric."""

    title: ClassVar[str] = "ranks by each metric"
    caption: ClassVar[str] = (
        "Rank of each estimator by each metric, the best on the left, for original (a) and "
        "absolute values (b) of its map. The number is the rank of the value; equal values share "
        "the mean of their places, as in 2.5 for the second and third. The line goes from the best "
        "to the worst rank that the tests leave open: where lines of two estimators "
        "overlap, which one is better was not shown. Estimators are in the order of their mean "
        "ranks; numbers of a row that lie apart show where metrics disagree. A dagger marks "
        "controls, which know nothing of the classifier."
    )
    category: ClassVar[str] = "Agreement"
    reads: ClassVar[tuple[str, ...]] = ("ranks",)

    estimators: tuple[str, ...]
    controls: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it for every run."""
        return [cls(estimators=run.estimators, controls=run.controls)]

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"content": self.title}

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a row of panels per variant, with a panel per metric."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import PANEL_TITLES
        from ct_importance.report.style import MM, line_styles
        from ct_importance.statistics.together import by_mean_rank

        ranks = read_frame(tables["ranks"])
        styles = line_styles(self.estimators, self.controls)
        metrics = list(dict.fromkeys(ranks.metric))
        names = 3 + LETTER * max(len(style["label"]) for style in styles.values())
        width, beside = _layout(len(styles), len(metrics), names)
        of_variant, tall = width / beside, TOP + ROW * len(styles)
        height = tall * len(PANEL_TITLES) / beside + BOTTOM
        of_panel = (of_variant - names) / len(metrics)
        drawn = plt.figure(figsize=(width * MM, height * MM))
        drawn.set_layout_engine("none")
        for number, (variant, title) in enumerate(PANEL_TITLES.items()):
            row, column = divmod(number, beside)
            start, low = column * of_variant, height - (row + 1) * tall
            drawn.text((start + 1) / width, (low + tall - 1.5) / height, title, va="top")
            found = ranks[ranks.variant == variant]
            of_order = {name: styles[name] for name in by_mean_rank(found)}
            for place, metric in enumerate(metrics):
                left = start + names + place * of_panel
                box = (left / width, low / height, (of_panel - BETWEEN) / width)
                axes = drawn.add_axes((*box, ROW * len(styles) / height))
                _draw_ranks(axes, found[found.metric == metric], of_order, bool(place))
                axes.tick_params(labelbottom=number + beside > 1)
        drawn.text(0.5, 1 / height, "rank", ha="center", va="bottom")
        return drawn


def _layout(estimators: int, metrics: int, names: float) -> tuple[float, int]:
    """Return the width of the figure in mm, and how many variants stand side by side."""
    from ct_importance.report.style import DOUBLE_COLUMN, MM, SINGLE_COLUMN

    one, two = SINGLE_COLUMN / MM, DOUBLE_COLUMN / MM
    panels = metrics * (NARROWEST + BETWEEN)
    if names + panels <= one and estimators <= MOST_IN_A_COLUMN:
        return one, 1
    return two, 2 if names + panels <= two / 2 else 1


def _draw_ranks(
    axes: plot.Axes, ranks: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]], bare: bool
) -> None:
    """Draw a panel: a row per estimator, with the line of its interval and the number of its rank.

    Args:
        axes: Where to.
        ranks: Of one metric and variant.
        styles: Of the estimators, in the order of their rows.
        bare: Whether the names of the rows stand elsewhere.
    """
    from ct_importance.report.names import metric_name

    of_estimator = {row.estimator: row for row in ranks.itertuples()}
    for row, (name, style) in enumerate(styles.items()):
        if not row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="#F2F2F2", linewidth=0, zorder=0)
        if name not in of_estimator:
            continue
        found, colour = of_estimator[name], style["color"]
        axes.plot([found.rank_low, found.rank_high], [row, row], color=colour, linewidth=1.6)
        frame: dict[str, Any] = {"facecolor": "white", "edgecolor": colour, "linewidth": 0.6}
        axes.text(
            *(found.rank, row + 0.04, f"{found.rank:.3g}"),
            ha="center",
            va="center",
            fontsize=5.5,
            bbox={"boxstyle": "round,pad=0.12", **frame},
        )
    count = len(styles)
    axes.set(xlim=(0, count + 1), ylim=(count - 0.5, -0.5), xticks=[1, count])
    labels = [] if bare else [style["label"] for style in styles.values()]
    axes.set_yticks(range(len(labels)), labels, fontsize=6)
    axes.tick_params(labelsize=6, length=2, left=False)
    axes.set_title(metric_name(ranks.metric.iloc[0]), pad=3, fontsize=6.5)
    axes.spines[["left", "bottom"]].set_visible(False)
