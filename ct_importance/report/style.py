"""How every figure looks: sizes, fonts, colours, and files that are the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from ct_importance.report.names import display_name

Dashes = str | tuple[float, tuple[float, ...]]
"""A line style of matplotlib."""

SINGLE_COLUMN = 3.5
DOUBLE_COLUMN = 7.2
"""Widths in inches of one and two columns of a journal page."""

# Of Paul Tol's muted colours, those that no estimator of this project has.
OTHER_COLOURS = ["#332288", "#AA4499", "#999933", "#882255"]
OTHER_DASHES = [(0, (4, 1.5)), (0, (2, 1)), (0, (6, 1, 1, 1)), (0, (1, 1))]
OTHERS: dict[str, Any] = {
    **{"color": "#C8C8C8", "linestyle": "-", "linewidth": 0.7, "label": "others"},
}
"""Of estimators whose curves are too many to be told apart."""
RC: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "ct-importance",
    "savefig.dpi": 200,
}
# Dates and program versions would make equal figures differ.
METADATA = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}


def line_styles(estimators: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return colour and dashes of each estimator, the same in all figures of a run.

    Entries of another name than their estimator's share four colours, and differ in dashes up to
    the sixteenth.
    """
    others, known = map(_other_style, count()), names("estimator")
    styles = {name: _own_style(name) if name in known else next(others) for name in estimators}
    return {
        name: {"color": colour, "linestyle": dashes, "label": display_name(name)}
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
        save_figure(shown.draw(tables), paths)


def save_figure(figure: Figure, paths: Iterable[StrPath]) -> None:
    """Save a figure once per path, in the format of its suffix; then close it."""
    for path in map(Path, paths):
        suffix = path.suffix.removeprefix(".")
        with replacing(path) as temporary:
            figure.savefig(temporary, format=suffix, metadata=METADATA[suffix])
    plt.close(figure)


def show_slice(axes: Axes, image: np.ndarray) -> None:
    """Show a slice (H, W) in [0, 1] in grey."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="none")


def show_mask(axes: Axes, mask: np.ndarray) -> None:
    """Show a mask (H, W) bool, white inside."""
    axes.imshow(mask, cmap="gray", vmin=0, vmax=1, interpolation="none")


def show_map(axes: Axes, importance: np.ndarray) -> None:
    """Show an importance map (H, W): diverging colours around 0 if it has two signs.

    The scale ends at the 99.5th percentile of |e|: single pixels would darken the rest.
    """
    limit = np.percentile(np.abs(importance), 99.5) or 1.0
    signed = importance.min() < 0
    colours = {"cmap": "RdBu_r", "vmin": -limit} if signed else {"cmap": "inferno", "vmin": 0}
    axes.imshow(importance, vmax=limit, interpolation="none", **colours)


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
    if style is OTHERS:
        axes.plot(curve[x], curve[y], zorder=0.5, **style)
        return
    low, high = curve[f"{y}_low"], curve[f"{y}_high"]
    axes.fill_between(curve[x], low, high, color=style["color"], alpha=0.09, linewidth=0, zorder=1)
    axes.plot(curve[x], curve[y], zorder=2, **style)


def plot_both_variants(
    grid: Sequence[Axes],
    curves: pd.DataFrame,
    x: str,
    y: str,
    styles: Mapping[str, Mapping[str, Any]],
) -> None:
    """Plot the curve of each estimator, original maps in the first panel.

    Args:
        grid: The two panels.
        curves: As in `plot_with_band`, with the columns ``estimator`` and ``variant``.
        x: Column of the horizontal axis.
        y: Column of the vertical axis.
        styles: Of each estimator, see `line_styles`.
    """
    for (estimator, variant), curve in curves.groupby(["estimator", "variant"]):
        plot_with_band(grid[int(variant == "absolute")], curve, x, y, styles[estimator])


def legend_below(figure: Figure, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Put one legend for all panels below them, in the order of the configuration."""
    by_label = {style["label"]: style for style in styles.values() if style is not OTHERS}
    if OTHERS in styles.values():
        by_label[OTHERS["label"]] = OTHERS
    handles = [Line2D([], [], **style) for style in by_label.values()]
    columns = min(4, len(handles))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=3)
