"""The rank of each estimator from metric to metric."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    from matplotlib import figure


class RankFlow(Figure):
    """A line per estimator; lines that cross show where the metrics disagree."""

    title: ClassVar[str] = "ranks from metric to metric"
    caption: ClassVar[str] = (
        "Rank of each estimator from metric to metric, best on top, for original (a) and "
        "absolute values (b) of its map. Lines that cross show where the metrics disagree; "
        "estimators of equal value stand below each other. Ranks are those of the values; "
        "which differences the tests bear out, the tables say."
    )
    category: ClassVar[str] = "Agreement"
    reads: ClassVar[tuple[str, ...]] = ("ranks",)

    estimators: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it for every run."""
        return [cls(estimators=run.estimators)]

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"content": self.title}

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a panel per variant."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import PANEL_TITLES, metric_name
        from ct_importance.report.style import DOUBLE_COLUMN, line_styles

        ranks = read_frame(tables["ranks"])
        styles = line_styles(self.estimators)
        metrics = list(dict.fromkeys(ranks.metric))
        height = 0.9 + 0.24 * len(styles)
        figure, grid = plt.subplots(1, 2, figsize=(DOUBLE_COLUMN, height), sharey=True)
        for axes, (variant, title) in zip(grid, PANEL_TITLES.items(), strict=True):
            of_variant = ranks[ranks.variant == variant]
            wide = of_variant.pivot(index="estimator", columns="metric", values="rank")
            # Estimators that share a rank are drawn below each other.
            places = wide[metrics].rank(method="first")
            left = variant == "original"
            for estimator, row in places.iterrows():
                style = styles[estimator]
                axes.plot(range(len(metrics)), row, marker="o", markersize=4, **style)
                axes.annotate(
                    style["label"],
                    (0 if left else len(metrics) - 1, row.iloc[0 if left else -1]),
                    xytext=(-8 if left else 8, 0),
                    textcoords="offset points",
                    ha="right" if left else "left",
                    va="center",
                    fontsize=7,
                )
            axes.set(title=title, xticks=range(len(metrics)), xticklabels=map(metric_name, metrics))
            axes.set(yticks=[], xlim=(-0.15, len(metrics) - 0.85), ylim=(len(styles) + 0.5, 0.5))
            axes.tick_params(bottom=False)
            axes.spines[:].set_visible(False)
        figure.set_layout_engine("constrained", wspace=0.08)
        return figure
