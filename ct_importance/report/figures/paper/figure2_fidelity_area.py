"""Figure 2: what fidelity is, shown on the estimator that has most of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.report.figure import Tables
from ct_importance.report.figures.paper._of_metric import OfMetric

if TYPE_CHECKING:
    from matplotlib import figure


class FidelityArea(OfMetric):
    """The area between two curves."""

    title: ClassVar[str] = "what fidelity is"
    caption: ClassVar[str] = (
        "What fidelity is: the area F between the accuracy curves when the least important "
        "(dashed) and the most important pixels (solid) are masked first, for the estimator "
        "with the largest F on absolute values. Dots are the masked shares that were measured. In "
        "brackets: the interval of F from resamples of the patients."
    )
    entry: ClassVar[str] = "fidelity"
    number: ClassVar[str] = "2"
    of_answer: ClassVar[str] = "accuracy"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return both curves and the area between them."""
        import numpy as np
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import display_name
        from ct_importance.report.style import LIF, MIF, SINGLE_COLUMN
        from ct_importance.report.tables.formats import fixed

        values = read_frame(tables["values"]).query("variant == 'absolute'")
        best = values.loc[values.fidelity.idxmax()]
        curves = read_frame(tables["curves"])
        shown = curves[(curves.estimator == best.estimator) & (curves.variant == "absolute")]
        wide = shown.pivot(index="fraction", columns="order", values="accuracy")
        figure, axes = plt.subplots(figsize=(SINGLE_COLUMN, 2.6))
        percent = 100 * wide.index
        axes.fill_between(percent, wide.mif, wide.lif, color="#999999", alpha=0.25, linewidth=0)
        for order, style in (("lif", LIF), ("mif", MIF)):
            axes.plot(percent, wide[order], marker="o", markersize=2, **style)
        middle = np.mean([np.interp(50, percent, wide[order]) for order in ("lif", "mif")])
        low, high = fixed(best.fidelity_low, 2), fixed(best.fidelity_high, 2)
        text = f"F = {best.fidelity:.2f}\n[{low}, {high}]"
        axes.text(50, middle, text, ha="center", va="center")
        axes.set(
            xlabel="masked pixels (%)",
            ylabel="accuracy (mean of the classes)",
            # Lines at the ends are not to lie under the axes.
            xlim=(-2, 102),
            ylim=(-0.03, 1.03),
            title=f"{display_name(best.estimator)}, absolute values",
        )
        figure.legend(loc="outside lower center", ncols=2)
        return figure
