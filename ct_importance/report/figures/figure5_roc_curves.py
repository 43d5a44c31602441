"""Figure 5: averaged ROC curves of importance against masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.report.figure import Figure, Outline, Tables
from ct_importance.report.names import SUBSET_NAMES

if TYPE_CHECKING:
    from matplotlib import figure


class RocCurves(Figure):
    """The curves behind the areas of ROC."""

    title: ClassVar[str] = "ROC: maps against masks"
    caption: ClassVar[str] = (
        "ROC curves of importance scores against masks, averaged over slices at each "
        "threshold, for original (a) and absolute values (b). The grey diagonal is chance. "
        "Bands are pointwise intervals of the true positive rate from resamples of the "
        "patients. The line above the panels counts the slices that are training ones."
    )
    number: ClassVar[str] = "5"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves")

    metric: ChosenMetric
    estimators: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it where ROC is measured."""
        if "roc" not in run.metrics:
            return []
        return [cls(metric=run.metrics["roc"], estimators=run.estimators)]

    @property
    def notes(self) -> str:
        """Which slices it is of."""
        return f"Slices: {SUBSET_NAMES[self.metric.metric.slices]}."

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a panel per variant."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.style import (
            DOUBLE_COLUMN,
            legend_below,
            line_styles,
            plot_with_band,
        )
        from ct_importance.report.tables.notes import training_share

        curves = read_frame(tables["curves"])
        styles = line_styles(self.estimators)
        figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, 4.3), sharex=True, sharey=True)
        for (estimator, variant), curve in curves.groupby(["estimator", "variant"]):
            plot_with_band(grid[int(variant == "absolute")], curve, "fpr", "tpr", styles[estimator])
        for axes, title in zip(grid, ("(a) Original values", "(b) Absolute values"), strict=True):
            axes.plot([0, 1], [0, 1], color="#BBBBBB", linewidth=0.8, zorder=0)
            axes.set(
                xlabel="false positive rate", xlim=(0, 1), ylim=(0, 1), aspect="equal", title=title
            )
        grid[0].set_ylabel("true positive rate")
        figure.suptitle(training_share(read_frame(tables["values"])), fontsize=7)
        legend_below(figure, styles)
        return figure
