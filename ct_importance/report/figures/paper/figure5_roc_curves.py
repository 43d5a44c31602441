"""Figure 5: averaged ROC curves of importance against masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.report.figure import Tables
from ct_importance.report.figures.paper._of_metric import CurvesOfMetric

if TYPE_CHECKING:
    from matplotlib import figure


class RocCurves(CurvesOfMetric):
    """The curves behind the areas of ROC."""

    title: ClassVar[str] = "ROC: maps against masks"
    caption: ClassVar[str] = (
        "ROC curves of importance scores against masks, averaged over slices at each "
        "threshold, for original (a) and absolute values (b). The grey diagonal is chance. "
        "Bands are pointwise intervals of the true positive rate from resamples of the "
        "patients. The line above the panels counts the slices that are training ones."
    )
    entry: ClassVar[str] = "roc"
    number: ClassVar[str] = "5"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a panel per variant."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import PANEL_TITLES
        from ct_importance.report.style import (
            DOUBLE_COLUMN,
            legend_below,
            plot_both_variants,
        )
        from ct_importance.report.tables.notes import training_share

        values, curves = (read_frame(tables[name]) for name in self.reads)
        styles = self.styles(values)
        figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 4.3), sharex=True, sharey=True)
        plot_both_variants(grid, curves, "fpr", "tpr", styles)
        for axes, title in zip(grid, PANEL_TITLES.values(), strict=True):
            axes.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=0.8, zorder=0)
            axes.set(
                xlabel="false positive rate", xlim=(0, 1), ylim=(0, 1), aspect="equal", title=title
            )
        grid[0].set_ylabel("true positive rate")
        figure.suptitle(training_share(values), fontsize=7)
        legend_below(figure, styles)
        return figure
