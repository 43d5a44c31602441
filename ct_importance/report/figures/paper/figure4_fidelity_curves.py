"""Figure 4: accuracy while pixels are masked, MiF above LiF."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.report.figure import Tables
from ct_importance.report.figures.paper._of_metric import CurvesOfMetric

if TYPE_CHECKING:
    from matplotlib import figure

ORDERS = {"mif": "most important first (MiF)", "lif": "least important first (LiF)"}


class FidelityCurves(CurvesOfMetric):
    """The curves behind fidelity."""

    title: ClassVar[str] = "fidelity: accuracy while pixels are masked"
    caption: ClassVar[str] = (
        "Accuracy (mean of the classes) against the masked percentage of pixels, most "
        "important first (top) and least important first (bottom), for original (left) and "
        "absolute values (right). Bands are pointwise intervals from resamples of the "
        "patients."
    )
    entry: ClassVar[str] = "fidelity"
    number: ClassVar[str] = "4"
    of_answer: ClassVar[str] = "accuracy"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a panel per order and variant."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.style import (
            DOUBLE_COLUMN,
            legend_below,
            plot_with_band,
        )

        values, curves = (read_frame(tables[name]) for name in self.reads)
        curves["masked"] = 100 * curves.fraction
        styles = self.styles(values)
        figure, grid = plt.subplots(2, 2, figsize=(DOUBLE_COLUMN, 5.4), sharex=True, sharey=True)
        for (estimator, variant, order), curve in curves.groupby(["estimator", "variant", "order"]):
            axes = grid[list(ORDERS).index(order), int(variant == "absolute")]
            plot_with_band(axes, curve, "masked", "accuracy", styles[estimator])
        for row, text in zip(grid, ORDERS.values(), strict=True):
            row[0].set_ylabel(f"accuracy, {text}")
        for axes, variant in zip(grid[0], ("Original values", "Absolute values"), strict=True):
            axes.set_title(variant)
        for axes in grid[1]:
            axes.set(xlabel="masked pixels (%)", xlim=(0, 100), ylim=(0, 1.02))
        legend_below(figure, styles)
        return figure
