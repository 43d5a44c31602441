"""A panel per classifier that sees a sign; in each, rows that are the same in all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ct_importance.cohort.options import WITHOUT_PLACE, PlantedOptions

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import axes as plot
    from matplotlib import figure

COLUMNS = 4
"""Panels side by side at most."""
ROW, HEAD = 0.16, 0.75
"""Inches of a row, and of titles and numbers of the axis together."""
LOOKS: dict[str, dict[str, Any]] = {
    "original": {
        "color": "#D55E00",
        "marker": "o",
        "markerfacecolor": "white",
        "label": "original",
    },
    "absolute": {"color": "#0072B2", "marker": "o", "label": "absolute"},
}
"""Of the values of maps."""


def panels(
    titles: Mapping[str, str], rows: Sequence[str], x: str
) -> tuple[figure.Figure, dict[str, plot.Axes]]:
    """Return a figure with a panel per classifier, and its panels.

    Args:
        titles: What stands above the panel of each classifier.
        rows: What stands beside the rows, the first on top.
        x: What the horizontal axes are.
    """
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D

    from ct_importance.report.style import DOUBLE_COLUMN, SINGLE_COLUMN

    columns = min(COLUMNS, len(titles))
    lines = math.ceil(len(titles) / columns)
    size = (
        SINGLE_COLUMN if columns == 1 else DOUBLE_COLUMN,
        lines * (ROW * len(rows) + HEAD) + 0.3,
    )
    drawn, grid = plt.subplots(
        *(lines, columns), figsize=size, squeeze=False, sharex=True, sharey=True
    )
    found = dict(zip(titles, grid.flat, strict=False))
    for axes in grid.flat[len(titles) :]:
        axes.set_visible(False)
    for number, (name, axes) in enumerate(found.items()):
        axes.set_title(titles[name], fontsize=6.5, loc="left")
        if number + columns >= len(found):
            axes.set_xlabel(x)
            axes.tick_params(labelbottom=True)
        for row in range(0, len(rows), 2):
            axes.axhspan(row - 0.5, row + 0.5, color="#F2F2F2", linewidth=0, zorder=0)
        axes.tick_params(left=False, length=2)
        axes.spines["left"].set_visible(False)
    first = next(iter(found.values()))
    first.set_yticks(range(len(rows)), rows)
    first.set_ylim(len(rows) - 0.5, -0.5)
    handles = [Line2D([], [], markersize=3.4, **look) for look in LOOKS.values()]
    drawn.legend(handles=handles, loc="outside lower center", ncols=2)
    return drawn, found


def draw_rows(
    axes: plot.Axes, table: pd.DataFrame, key: str, order: Sequence[str], value: str
) -> None:
    """Draw a value and its interval in each row, of both variants, one a little below the other.

    Args:
        axes: The panel.
        table: Columns ``key``, variant, ``value``, ``<value>_low`` and ``<value>_high``.
        key: Column that says which row it is.
        order: The rows.
        value: Column of the value.
    """
    for shift, (variant, look) in zip((-0.17, 0.17), LOOKS.items(), strict=True):
        of_variant = table[table["variant"] == variant].set_index(key)
        for place, name in enumerate(order):
            if name not in of_variant.index:
                continue
            row = of_variant.loc[name]
            ends = [row[f"{value}_low"], row[f"{value}_high"]]
            axes.plot(ends, [place + shift] * 2, color=look["color"], linewidth=0.9, zorder=2)
            axes.plot(row[value], place + shift, markersize=3.2, zorder=3, **look)


def title_of(classifier: str, planted: PlantedOptions) -> str:
    """Return the name of a classifier, and which sign it sees, below each other."""
    place = ", no place" if planted.sign in WITHOUT_PLACE else ""
    return f"{classifier}\n{planted.sign}, {100 * planted.dose:g} %{place}"
