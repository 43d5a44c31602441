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
        "threshold: absolute values of each map in colour, original values dashed, with the areas "
        "below them. Estimators are in the order of their table. The grey diagonal is chance. "
        "Bands are pointwise intervals of the true positive rate from resamples of the "
        "patients. The line above the panels counts the slices that are training ones."
    )
    entry: ClassVar[str] = "roc"
    number: ClassVar[str] = "5"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a panel per estimator."""
        from ct_importance.io.table_file import read_frame
        from ct_importance.report.figures._panels import curves_of_variants, label_axes
        from ct_importance.report.style import FAINT
        from ct_importance.report.tables.notes import training_share

        values, curves = read_frame(tables["values"]), read_frame(tables["curves"])
        columns, decimals = ("fpr", "tpr"), self.metric.metric.decimals
        figure, panels = curves_of_variants(
            *(values, curves, self.estimators, columns, decimals), values_at=(0.97, 0.05)
        )
        for axes in panels.values():
            axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, zorder=0)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
        x, y = "false positive rate", "true positive rate"
        label_axes(figure, x, y, note=training_share(values))
        return figure
