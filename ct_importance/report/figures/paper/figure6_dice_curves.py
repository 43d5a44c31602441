"""Figure 6: Dice coefficient against the displayed percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ct_importance.report.figure import Tables
from ct_importance.report.figures.paper._of_metric import CurvesOfMetric
from ct_importance.report.names import PERFECT_MAP

if TYPE_CHECKING:
    from matplotlib import figure

CEILING: dict[str, Any] = {"color": "#767676", "linestyle": (0, (1, 1.2)), "label": PERFECT_MAP}


class DiceCurves(CurvesOfMetric):
    """The curves behind the highest Dice coefficients."""

    title: ClassVar[str] = "Dice: XRAI regions against masks"
    caption: ClassVar[str] = (
        "Dice coefficient of the displayed XRAI regions and the mask, averaged over slices, "
        "against the percentage of the slice that they cover (logarithmic), for absolute values "
        "of each map (in colour) and original values (dashed), with their maxima. Regions are "
        "shown whole, so that more is displayed than was asked for: curves begin at the smallest "
        "percentage that was displayed, the mean over slices. Estimators are in the order of their "
        "table. Bands are pointwise intervals from resamples of the patients. The line above the "
        "panels counts the slices that are training ones. Dotted: the ceiling, with "
        "the mask itself as map: regions follow the slice and cannot fit the mask better."
    )
    entry: ClassVar[str] = "dice"
    number: ClassVar[str] = "6"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves", "ceiling")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a panel per estimator."""
        from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.figures._panels import curves_of_variants, label_axes
        from ct_importance.report.tables.notes import training_share

        values, curves = read_frame(tables["values"]), read_frame(tables["curves"])
        columns, decimals = ("shown_percentage", "dsc"), self.metric.metric.decimals
        figure, panels = curves_of_variants(
            *(values, curves, self.estimators, columns, decimals),
            values_at=(0.97, 0.66),
            legend=[CEILING],
        )
        ceiling = read_frame(tables["ceiling"]).query("variant == 'absolute'")
        for axes in panels.values():
            axes.plot(*(ceiling[name] for name in columns), linewidth=1, zorder=1, **CEILING)
        axes.set(xscale="log", xlim=(None, 108), ylim=(-0.03 * axes.get_ylim()[1], None))
        axes.xaxis.set_major_locator(FixedLocator([1, 3, 10, 30, 100]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
        x, y = "share of the slice displayed (%)", "Dice similarity coefficient"
        label_axes(figure, x, y, legend_lines=2, note=training_share(values))
        return figure
