"""Figure 4: accuracy while pixels are masked, MiF and LiF of each estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ct_importance.report.figure import Tables
from ct_importance.report.figures.paper._of_metric import CurvesOfMetric

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import figure
    from matplotlib.axes import Axes


class FidelityCurves(CurvesOfMetric):
    """The curves behind fidelity."""

    title: ClassVar[str] = "fidelity: accuracy while pixels are masked"
    caption: ClassVar[str] = (
        "Accuracy (mean of the classes) against the masked percentage of pixels, the most "
        "important first (solid) and the least important first (dashed), for original and "
        "absolute values of each map. Estimators are in the order of their table. Coloured is the "
        "area between the curves, F, and hatched where it counts as negative; F stands above, and "
        "its intervals in the table."
    )
    entry: ClassVar[str] = "fidelity"
    number: ClassVar[str] = "4"
    of_answer: ClassVar[str] = "accuracy"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return two panels per estimator, one of each variant."""
        from ct_importance.io.table_file import read_frame
        from ct_importance.report.figures._panels import (
            VARIANTS,
            best_first,
            label_axes,
            small_multiples,
            write_value,
        )
        from ct_importance.report.style import LIF, MIF, legend_below, line_styles
        from ct_importance.report.tables.formats import fixed

        values, curves = read_frame(tables["values"]), read_frame(tables["curves"])
        curves["masked"] = 100 * curves.fraction
        styles = line_styles(self.estimators)
        figure, panels = small_multiples(best_first(values, self.estimators, higher=True), 2)
        value_of = values.set_index(["estimator", "variant"]).value
        for name, pair in panels.items():
            for variant, axes in zip(VARIANTS, pair, strict=True):
                shown = curves[(curves.estimator == name) & (curves.variant == variant)]
                _draw_area(axes, shown, styles[name]["color"])
                value = value_of.get((name, variant), float("nan"))
                write_value(axes, f"{variant}: {fixed(value, self.metric.metric.decimals)}")
        axes.set(xlim=(-2, 102), ylim=(-0.04, 1.04), xticks=[0, 50, 100], yticks=[0, 0.5, 1])
        label_axes(figure, "masked pixels (%)", "accuracy (mean of the classes)")
        legend_below(figure, [MIF, LIF])
        return figure


def _draw_area(axes: Axes, curves: pd.DataFrame, colour: str) -> None:
    """Draw the curves of both orders, and the area between them; bands would hide it."""
    from ct_importance.report.style import LIF, MIF

    mif, lif = (curves[curves.order == order].sort_values("masked") for order in ("mif", "lif"))
    x, low, high = (of.to_numpy() for of in (mif.masked, mif.accuracy, lif.accuracy))
    area: dict[str, Any] = {"interpolate": True, "color": colour, "alpha": 0.35, "zorder": 1}
    axes.fill_between(x, low, high, where=high >= low, linewidth=0, **area)
    axes.fill_between(x, low, high, where=high < low, linewidth=0, hatch="//////", **area)
    for curve, style in ((lif, LIF), (mif, MIF)):
        axes.plot(curve.masked, curve.accuracy, **(style | {"linewidth": 0.9}))
