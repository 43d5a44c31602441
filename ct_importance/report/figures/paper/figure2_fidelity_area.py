"""Figure 2: what fidelity is, shown on the estimator that has most of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.report.figure import Tables
from ct_importance.report.figures.paper._of_metric import OfMetric

if TYPE_CHECKING:
    from matplotlib import figure

COLOURS = {"lif": "#0072B2", "mif": "#D55E00"}
ORDERS = {"lif": "least important first (LiF)", "mif": "most important first (MiF)"}


class FidelityArea(OfMetric):
    """The area between two curves."""

    title: ClassVar[str] = "what fidelity is"
    caption: ClassVar[str] = (
        "What fidelity is: the area F between the accuracy curves when the least important "
        "(blue) and the most important pixels (orange) are masked first, for the estimator "
        "with the largest F on absolute values. In brackets: its interval from resamples of "
        "the patients."
    )
    entry: ClassVar[str] = "fidelity"
    number: ClassVar[str] = "2"
    of_answer: ClassVar[str] = "accuracy"
    reads: ClassVar[tuple[str, ...]] = ("values", "curves")

    def draw(self, tables: Tables) -> figure.Figure:
        """Return both curves and the area between them."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import display_name
        from ct_importance.report.style import SINGLE_COLUMN
        from ct_importance.report.tables.formats import fixed

        values = read_frame(tables["values"]).query("variant == 'absolute'")
        best = values.loc[values.fidelity.idxmax()]
        curves = read_frame(tables["curves"])
        shown = curves[(curves.estimator == best.estimator) & (curves.variant == "absolute")]
        wide = shown.pivot(index="fraction", columns="order", values="accuracy")
        figure, axes = plt.subplots(figsize=(SINGLE_COLUMN, 2.6))
        percent = 100 * wide.index
        axes.fill_between(percent, wide.mif, wide.lif, color="#999999", alpha=0.25, linewidth=0)
        for order, text in ORDERS.items():
            axes.plot(percent, wide[order], color=COLOURS[order], label=text)
        middle = wide.index[len(wide) // 2]
        low, high = fixed(best.fidelity_low, 2), fixed(best.fidelity_high, 2)
        text = f"F = {best.fidelity:.2f}\n[{low}, {high}]"
        axes.text(100 * middle, wide.loc[middle].mean(), text, ha="center", va="center")
        axes.set(
            xlabel="masked pixels (%)",
            ylabel="accuracy (mean of the classes)",
            xlim=(0, 100),
            ylim=(0, 1.02),
            title=f"{display_name(best.estimator)}, absolute values",
        )
        figure.legend(loc="outside lower center", ncols=1)
        return figure
