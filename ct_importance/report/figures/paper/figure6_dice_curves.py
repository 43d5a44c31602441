"""Figure 6: Dice coefficient against the displayed percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.report.figure import Tables
from ct_importance.report.figures.paper._of_metric import CurvesOfMetric
from ct_importance.report.names import PERFECT_MAP

if TYPE_CHECKING:
    from matplotlib import figure

CEILING = {"color": "#7A5230", "linestyle": (0, (1, 2.5)), "label": PERFECT_MAP}


class DiceCurves(CurvesOfMetric):
    """The curves behind the highest Dice coefficients."""

    title: ClassVar[str] = "Dice: XRAI regions against masks"
    caption: ClassVar[str] = (
        "Dice coefficient of the displayed XRAI regions and the mask, averaged over slices, "
        "against the displayed percentage (logarithmic), for original (left) and absolute "
        "values (right). Bands are pointwise intervals from resamples of the patients. The "
        "line above the panels counts the slices that are training ones. Dotted: the ceiling, with "
        "the mask itself as map: regions follow the slice and cannot fit the mask better."
    )
    entry: ClassVar[str] = "dice"
    number: ClassVar[str] = "6"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves", "ceiling")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a panel per variant."""
        from matplotlib import pyplot as plt
        from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.style import (
            DOUBLE_COLUMN,
            legend_below,
            plot_both_variants,
        )
        from ct_importance.report.tables.notes import training_share

        values, curves, ceiling = (read_frame(tables[name]) for name in self.reads)
        styles = self.styles(values)
        figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 3.6), sharex=True, sharey=True)
        plot_both_variants(grid, curves, "percentage", "dsc", styles)
        plot_both_variants(grid, ceiling, "percentage", "dsc", {"mask": CEILING})
        for axes, title in zip(grid, ("Original values", "Absolute values"), strict=True):
            axes.set(xscale="log", xlabel="displayed regions (%)", xlim=(1, 100), title=title)
            axes.xaxis.set_major_locator(FixedLocator([1, 2, 5, 10, 20, 50, 100]))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(ScalarFormatter())
        grid[0].set(ylabel="Dice similarity coefficient", ylim=(0, None))
        figure.suptitle(training_share(values), fontsize=7)
        legend_below(figure, styles | {PERFECT_MAP: CEILING})
        return figure
