"""All estimators by all metrics on one page: ranks, with the places that the tests leave open."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import figure
    from matplotlib.axes import Axes

STRUCK = "\N{COMBINING LONG STROKE OVERLAY}"
ROW, COLUMN = 0.19, 0.46
"""Inches that a rank takes with its brackets beside it, at least."""
HIGH_ROW, NARROW_COLUMN = 0.25, 0.33
"""The same with its brackets below it."""
LONGEST = 20
"""Letters of a metric's name in a line."""
MANY = 8
"""Metrics beyond which ranks are written smaller."""
MOST = 11
"""Metrics beyond which brackets stand below the ranks, on a page that lies on its side."""


class Summary(Figure):
    """A row per estimator, best mean rank on top, and a column per metric."""

    title: ClassVar[str] = "all estimators by all metrics"
    caption: ClassVar[str] = (
        "Rank of each estimator by each metric, the darker the better, with the places that the "
        "tests of the tables leave open in brackets; the lowest mean rank is on top, which weighs "
        "all metrics alike, also those that ask nearly the same. A dagger marks controls, which "
        "know nothing of the classifier: an estimator below them explains nothing. Struck out is "
        "who fails a test of sanity, where the run has one."
    )
    category: ClassVar[str] = "Agreement"
    reads: ClassVar[tuple[str, ...]] = ("ranks",)

    variant: Literal["original", "absolute"]
    controls: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return one per variant."""
        return [cls(variant=it, controls=run.controls) for it in ("original", "absolute")]

    @property
    def name(self) -> str:
        """Name of its files."""
        return f"summary_{self.variant}"

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"content": f"{self.title}, {self.variant} values"}

    def draw(self, tables: Tables) -> figure.Figure:
        """Return the table as a picture."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import marked_name, metric_name
        from ct_importance.report.style import DOUBLE_COLUMN, SINGLE_COLUMN
        from ct_importance.statistics.together import by_mean_rank

        ranks = read_frame(tables["ranks"])
        ranks = ranks[ranks["variant"] == self.variant]
        metrics = list(dict.fromkeys(ranks["metric"]))
        order = by_mean_rank(ranks)
        wide = min(max(1.8 + COLUMN * len(metrics), SINGLE_COLUMN), DOUBLE_COLUMN)
        high = 1.1 + ROW * len(order)
        if len(metrics) > MOST:
            wide, high = 1.8 + NARROW_COLUMN * len(metrics), 1.1 + HIGH_ROW * len(order)
        figure, axes = plt.subplots(figsize=(wide, high))
        self._show_ranks(axes, ranks, order, metrics)
        heads = [fill(metric_name(it), LONGEST, break_long_words=False) for it in metrics]
        axes.set_xticks(range(len(metrics)), heads, rotation=40, ha="left")
        failing = _failing(ranks)
        names = [_struck(marked_name(it, self.controls), it in failing) for it in order]
        axes.set_yticks(range(len(order)), names)
        axes.set_xlabel(f"{self.variant} values")
        return figure

    def _show_ranks(
        self, axes: Axes, ranks: pd.DataFrame, order: list[str], metrics: list[str]
    ) -> None:
        from ct_importance.report.tables.formats import with_places

        wide = ranks.pivot(index="estimator", columns="metric", values="rank")
        axes.imshow(
            wide.reindex(index=order, columns=metrics),
            cmap="Blues_r",
            aspect="auto",
            vmin=1,
            # The darkest and the lightest tell apart what is written in white and in black.
            vmax=max(2, 1.15 * len(order)),
        )
        size = 5.2 if len(metrics) > MANY else 6.3
        small: dict[str, Any] = {"fontsize": size, "ha": "center", "va": "center"}
        between = "\n" if len(metrics) > MOST else " "
        for row in ranks.itertuples():
            x, y = metrics.index(row.metric), order.index(row.estimator)
            text = with_places(row.rank, row.rank_low, row.rank_high, between)
            is_dark = row.rank <= 0.5 * len(order)
            axes.text(x, y, text, color="white" if is_dark else "black", **small)
        for number in range(1, len(metrics)):
            axes.axvline(number - 0.5, color="white", linewidth=0.8)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)


def _failing(ranks: pd.DataFrame) -> set[str]:
    from ct_importance.statistics.verdicts import sanity_of

    return {name for (_, name), verdict in sanity_of(ranks).items() if verdict == "fails"}


def _struck(name: str, fails: bool) -> str:
    return STRUCK.join([*name, ""]) if fails else name
