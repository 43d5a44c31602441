"""Small multiples: each estimator has panels of its own, best first, where curves would pile up."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import axes as plot
    from matplotlib import figure

# Millimetres.
LEFT, RIGHT, TOP, BOTTOM = 10.5, 2.0, 4.5, 8.5
BETWEEN, WITHIN = 3.0, 1.5
"""Between estimators, and between panels of the same one."""
PANEL, TITLE, LEGEND_LINE = 17.0, 6.8, 3.4
"""Heights."""
WRAP = 17
"""Letters of a name that stand above a panel."""
TALLEST = 205.0
"""Above it, two columns of a page are taken."""
ORIGINAL: dict[str, Any] = {
    "color": "#4D4D4D",
    "linestyle": (0, (3, 1)),
    "label": "original values",
}
"""Of both variants in one panel; absolute values have the estimator's colour."""
ABSOLUTE: dict[str, Any] = {"color": "#000000", "linestyle": "-", "label": "absolute values"}
VARIANTS = ("original", "absolute")


def small_multiples(
    names: Mapping[str, str], panels: int = 1, legend_lines: int = 1
) -> tuple[figure.Figure, dict[str, list[plot.Axes]]]:
    """Return a figure, as wide as one column of a page or two, and the panels of each estimator.

    Args:
        names: Printed names of the estimators, in the order of their panels.
        panels: Of each estimator, side by side.
        legend_lines: Lines to leave below the panels.

    All panels share their axes, and those at the left and at the bottom have numbers.
    """
    from matplotlib import pyplot as plt

    from ct_importance.report.style import DOUBLE_COLUMN, MM, SINGLE_COLUMN

    bottom = BOTTOM + LEGEND_LINE * legend_lines
    width, columns = SINGLE_COLUMN, 3 if panels == 1 else 2
    if TOP + math.ceil(len(names) / columns) * (TITLE + PANEL) + bottom > TALLEST:
        width, columns = DOUBLE_COLUMN, 2 * columns
    rows = math.ceil(len(names) / columns)
    height = TOP + rows * (TITLE + PANEL) + bottom
    drawn = plt.figure(figsize=(width, height * MM))
    drawn.set_layout_engine("none")
    of_name = (width / MM - LEFT - RIGHT + BETWEEN) / columns
    of_panel = (of_name - BETWEEN + WITHIN) / panels
    found: dict[str, list[plot.Axes]] = {}
    first = None
    for number, (name, printed) in enumerate(names.items()):
        row, column = divmod(number, columns)
        low = bottom + (rows - 1 - row) * (TITLE + PANEL)
        for panel in range(panels):
            left = LEFT + column * of_name + panel * of_panel
            box = (left * MM / width, low / height, (of_panel - WITHIN) * MM / width)
            axes = drawn.add_axes((*box, PANEL / height), sharex=first, sharey=first)
            first = first or axes
            is_lowest = number + columns >= len(names)
            axes.tick_params(
                labelleft=not column and not panel, labelbottom=is_lowest, labelsize=6, length=2
            )
            found.setdefault(name, []).append(axes)
        wrapped = textwrap.fill(printed, WRAP) if panels == 1 else printed
        _write_above(found[name][0], wrapped, 2 if panels == 1 else 9)
    return drawn, found


def _write_above(axes: plot.Axes, text: str, points: float, size: float = 6.5) -> None:
    axes.annotate(
        text,
        (0, 1),
        xytext=(0, points),
        xycoords="axes fraction",
        textcoords="offset points",
        va="bottom",
        fontsize=size,
        linespacing=1.0,
        annotation_clip=False,
    )


def write_value(axes: plot.Axes, text: str) -> None:
    """Write a value above a panel, below the estimator's name."""
    _write_above(axes, text, 1.5, 6)


def label_axes(drawn: figure.Figure, x: str, y: str, legend_lines: int = 1, note: str = "") -> None:
    """Say once what the axes of all panels are, and above all of them what is to be known."""
    from ct_importance.report.style import MM

    height = drawn.get_size_inches()[1] / MM
    for axes in drawn.axes:
        # Numbers at both ends stay within their panel.
        for last in axes.get_xticklabels()[-1:]:
            last.set_horizontalalignment("right")
    drawn.text(0.5, (1.7 + LEGEND_LINE * legend_lines) / height, x, ha="center", va="bottom")
    drawn.text(0.005, 0.5, y, ha="left", va="center", rotation=90)
    drawn.text(0.5, 1 - 0.6 / height, note, ha="center", va="top", fontsize=6)


def best_first(values: pd.DataFrame, estimators: Sequence[str], higher: bool) -> dict[str, str]:
    """Return the printed names of estimators in the order of their table."""
    from ct_importance.report.names import display_name
    from ct_importance.report.tables.formats import paper_table

    order = paper_table(values.assign(letters=""), higher).estimator
    return {name: display_name(name) for name in order if name in estimators}


def curves_of_variants(
    values: pd.DataFrame,
    curves: pd.DataFrame,
    estimators: Sequence[str],
    columns: tuple[str, str],
    decimals: int,
    values_at: tuple[float, float],
    legend: Sequence[Mapping[str, Any]] = (),
) -> tuple[figure.Figure, dict[str, plot.Axes]]:
    """Return a figure with a panel per estimator that holds the curves of both variants.

    Args:
        values: See `ct_importance.statistics.estimates.Estimates`.
        curves: Likewise.
        estimators: Those of the run.
        columns: Of the curves: horizontal and vertical axis.
        decimals: Of the values.
        values_at: Where in a panel both values stand: share of its width and height.
        legend: Styles of what else the legend names.
    """
    from ct_importance.report.style import legend_below, line_styles, plot_with_band
    from ct_importance.report.tables.formats import fixed

    styles = line_styles(estimators)
    legend = [ABSOLUTE, ORIGINAL, *legend]
    lines = math.ceil(len(legend) / 2)
    drawn, panels = small_multiples(best_first(values, estimators, higher=True), 1, lines)
    value_of = values.set_index(["estimator", "variant"]).value
    for name, (axes,) in panels.items():
        looks = {"original": ORIGINAL, "absolute": ABSOLUTE | {"color": styles[name]["color"]}}
        for number, (variant, style) in enumerate(looks.items()):
            curve = curves[(curves.estimator == name) & (curves.variant == variant)]
            plot_with_band(axes, curve, *columns, {"linewidth": 1.1} | style)
            x, y = values_at
            value = fixed(value_of.get((name, variant), math.nan), decimals)
            height = y + 0.16 * (1 - number)
            axes.text(x, height, value, transform=axes.transAxes, ha="right", va="bottom",
                      color=style["color"], fontsize=6)  # fmt: skip
    legend_below(drawn, legend)
    return drawn, {name: axes for name, (axes,) in panels.items()}
