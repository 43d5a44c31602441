"""How every figure looks: sizes, fonts, colours, and files that are the same bytes every time.

Figures are drawn at the size they are printed in: text is 6 to 8 points high in one column of a
page (85 mm).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ct_importance.io.atomic import replacing
from ct_importance.io.paths import StrPath
from ct_importance.plugins import load, names
from ct_importance.report.figure import Figure as ReportFigure
from ct_importance.report.figure import Tables
from ct_importance.report.names import marked_name

Dashes = str | tuple[float, tuple[float, ...]]
"""A line style of matplotlib."""

MM = 1 / 25.4
"""In inches."""
SINGLE_COLUMN = 85 * MM
DOUBLE_COLUMN = 178 * MM
"""Widths of one and two columns of a journal page."""
PAGE = 235 * MM
"""Height of a page, with room for a caption."""

GREY = "#767676"
"""The lightest grey of lines: 4.5:1 on white."""
FAINT = "#DADADA"
"""Of what stands behind the curves that are meant."""
MIF: dict[str, Any] = {"color": "#000000", "linestyle": "-", "label": "most important first (MiF)"}
LIF: dict[str, Any] = {
    "color": GREY,
    "linestyle": (0, (3, 1)),
    "label": "least important first (LiF)",
}
"""The two orders in which pixels are masked, in all figures; no estimator's colours."""
OUTLINE = "#00E5FF"
"""Of masks: no colour of inferno, of grey slices or of maps of two signs."""

# Of Paul Tol's muted colours, those that no estimator of this project has.
OTHER_COLOURS = ["#332288", "#AA4499", "#999933", "#882255"]
OTHER_DASHES = [(0, (4, 1.5)), (0, (2, 1)), (0, (6, 1, 1, 1)), (0, (1, 1))]
RC: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    # An SVG names them all: a viewer that lacks the first takes the next.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica", "sans-serif"],
    "font.size": 7.5,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "ct-importance",
    "savefig.dpi": 300,
}
# Dates and program versions would make equal figures differ.
METADATA = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def line_styles(
    estimators: Sequence[str], controls: Collection[str] = ()
) -> dict[str, dict[str, Any]]:
    """Return colour and dashes of each estimator, the same in all figures of a run.

    Entries of another name than their estimator's share four colours, and differ in dashes up to
    the sixteenth.

    Args:
        estimators: Those of the run.
        controls: Of these, those whose labels are marked.
    """
    others, known = map(_other_style, count()), names("estimator")
    styles = {name: _own_style(name) if name in known else next(others) for name in estimators}
    return {
        name: {"color": colour, "linestyle": dashes, "label": marked_name(name, controls)}
        for name, (colour, dashes) in styles.items()
    }


def _own_style(estimator: str) -> tuple[str, Dashes]:
    chosen = load("estimator", estimator)
    return chosen.colour, (0, chosen.dashes) if chosen.dashes else "-"


def _other_style(number: int) -> tuple[str, Dashes]:
    colours, dashes = len(OTHER_COLOURS), len(OTHER_DASHES)
    return (
        OTHER_COLOURS[number % colours],
        OTHER_DASHES[(number + number // colours) % dashes],
    )


def write_figure(shown: ReportFigure, tables: Tables, paths: Iterable[StrPath]) -> None:
    """Draw a figure of the report, and save it once per path.

    Args:
        shown: The figure.
        tables: What it is drawn from, by name.
        paths: Files to write, in the format of their suffix.
    """
    with plt.rc_context(RC):
        save_figure(shown.draw(tables), paths, shown.heading)


def save_figure(figure: Figure, paths: Iterable[StrPath], title: str = "") -> None:
    """Save a figure once per path, in the format of its suffix; then close it.

    Args:
        figure: Of matplotlib.
        paths: Files to write.
        title: What the files say they show, to people who do not see them, too.
    """
    for path in map(Path, paths):
        suffix = path.suffix.removeprefix(".")
        titled = {"Title": title} if title else {}
        with replacing(path) as temporary:
            figure.savefig(temporary, format=suffix, metadata=METADATA[suffix] | titled)
    plt.close(figure)


def show_slice(axes: Axes, image: np.ndarray) -> None:
    """Show a slice (H, W) in [0, 1] in grey."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="none")


def show_mask(axes: Axes, mask: np.ndarray) -> None:
    """Show a mask (H, W) bool, white inside."""
    axes.imshow(mask, cmap="gray", vmin=0, vmax=1, interpolation="none")


def show_outline(axes: Axes, mask: np.ndarray) -> None:
    """Show where a mask (H, W) bool ends: cyan between dark lines, so that it is seen on white."""
    from matplotlib.patheffects import withStroke

    if mask.any() and not mask.all():
        axes.contour(
            mask,
            levels=[0.5],
            colors=OUTLINE,
            linewidths=0.7,
            path_effects=[withStroke(linewidth=1.5, foreground="#00343A")],
        )


def show_map(axes: Axes, importance: np.ndarray, with_bar: bool = False) -> None:
    """Show an importance map (H, W): diverging colours around 0 if it has two signs.

    The scale ends at the 99.5th percentile of |e|: single pixels would darken the rest.

    Args:
        axes: Where to.
        importance: The map.
        with_bar: Whether a bar below it says which colour is which importance; below, it takes no
            width from this picture alone.
    """
    limit = np.percentile(np.abs(importance), 99.5) or 1.0
    signed = importance.min() < 0
    colours = {"cmap": "RdBu_r", "vmin": -limit} if signed else {"cmap": "inferno", "vmin": 0}
    image = axes.imshow(importance, vmax=limit, interpolation="none", **colours)
    if with_bar:
        below = axes.inset_axes((0, -0.09, 1, 0.06))
        bar = axes.figure.colorbar(image, cax=below, orientation="horizontal")
        ends = [-limit, 0, limit] if signed else [0, limit]
        bar.set_ticks(ends, labels=[f"{end:.2g}".replace("-", "−") for end in ends])
        bar.ax.tick_params(labelsize=6, length=2, pad=1)
        bar.outline.set_visible(False)


def bare(axes: Axes, title: str = "") -> None:
    """Take ticks and frame off an image."""
    axes.set(xticks=[], yticks=[], title=title)
    axes.spines[:].set_visible(False)


def plot_with_band(
    axes: Axes, curve: pd.DataFrame, x: str, y: str, style: Mapping[str, Any]
) -> None:
    """Plot a curve over the band of its intervals.

    Args:
        axes: Where to.
        curve: Columns ``x``, ``y``, ``<y>_low`` and ``<y>_high``.
        x: Column of the horizontal axis.
        y: Column of the vertical axis.
        style: Of `line_styles`.
    """
    low, high = curve[f"{y}_low"], curve[f"{y}_high"]
    axes.fill_between(curve[x], low, high, color=style["color"], alpha=0.18, linewidth=0, zorder=2)
    axes.plot(curve[x], curve[y], zorder=3, **style)


def legend_below(figure: Figure, styles: Iterable[Mapping[str, Any]], columns: int = 2) -> None:
    """Put one legend for all panels at the lower end of a figure that leaves room for it."""
    handles = [Line2D([], [], **style) for style in styles]
    figure.legend(
        handles=handles, loc="lower center", ncols=columns, handlelength=3, columnspacing=1.2
    )
