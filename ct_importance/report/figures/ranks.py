"""All estimators by all metrics: ranks, as far as the tests show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import axes as plot
    from matplotlib import figure

# Millimetres.
ROW, LETTER, TOP, BOTTOM, BETWEEN = 3.3, 1.12, 7.0, 8.0, 2.0
NARROWEST, NARROWER = 11.0, 6.5
"""A panel with room for a rank and its interval, and one where many metrics are to fit."""
SLANTED = 0.85
"""How far a slanted letter of a head reaches, up and to the right."""
MOST_IN_A_COLUMN = 28
"""Estimators of which both variants stand below each other."""
LONGEST = 20
"""Letters of a metric's name in a line."""
STRUCK = "\N{COMBINING LONG STROKE OVERLAY}"


class Ranks(Figure):
    """A row per estimator, and in it a number for its rank by each metric."""

    title: ClassVar[str] = "ranks by each metric"
    caption: ClassVar[str] = (
        "Rank of each estimator by each metric, the best on the left, for original (a) and "
        "absolute values (b) of its map. The number is the rank of the value; equal values share "
        "the mean of their places, as in 2.5 for the second and third. The line goes from the best "
        "to the worst rank that the tests leave open: where lines of two estimators "
        "overlap, which one is better was not shown. Estimators are in the order of their mean "
        "ranks, which weigh all metrics alike, also those that ask nearly the same. A dagger marks "
        "controls, which know nothing of the classifier. Struck out is who fails a test of sanity, "
        "where the run has one."
    )
    category: ClassVar[str] = "Agreement"
    reads: ClassVar[tuple[str, ...]] = ("ranks",)

    estimators: tuple[str, ...]
    controls: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it for every run."""
        return [cls(estimators=run.estimators, controls=run.controls)]

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"content": self.title}

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a row of panels per variant, with a panel per metric."""
        from matplotlib import pyplot as plt

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.names import PANEL_TITLES, metric_name
        from ct_importance.report.style import MM, line_styles
        from ct_importance.statistics.together import by_mean_rank
        from ct_importance.statistics.verdicts import sanity_of

        ranks = read_frame(tables["ranks"])
        verdicts = sanity_of(ranks)
        styles = line_styles(self.estimators, self.controls)
        heads = {name: metric_name(name) for name in dict.fromkeys(ranks.metric)}
        page = _layout([style["label"] for style in styles.values()], list(heads.values()))
        tall = page.top + ROW * len(styles)
        height = tall * len(PANEL_TITLES) / page.beside + BOTTOM
        drawn = plt.figure(figsize=(page.width * MM, height * MM))
        drawn.set_layout_engine("none")
        for number, (variant, title) in enumerate(PANEL_TITLES.items()):
            row, column = divmod(number, page.beside)
            start, low = column * page.width / page.beside, height - (row + 1) * tall
            drawn.text((start + 1) / page.width, (low + tall - 1.5) / height, title, va="top")
            found = ranks[ranks.variant == variant]
            failing = {
                name for (of, name), it in verdicts.items() if (of, it) == (variant, "fails")
            }
            of_order = {name: styles[name] for name in by_mean_rank(found)}
            for place, (metric, head) in enumerate(heads.items()):
                left = start + page.names + place * page.of_panel
                box = (left / page.width, low / height, (page.of_panel - BETWEEN) / page.width)
                axes = drawn.add_axes((*box, ROW * len(styles) / height))
                _draw_ranks(axes, found[found.metric == metric], of_order)
                _write_head(axes, head, page.is_slanted)
                axes.tick_params(labelbottom=number + page.beside > 1)
                if not place:
                    _name_rows(axes, of_order, failing)
        drawn.text(0.5, 1 / height, "rank", ha="center", va="bottom")
        return drawn


class _Page(NamedTuple):
    """Millimetres, and how the panels of a variant lie in them."""

    width: float
    beside: int
    """Variants that stand side by side."""
    names: float
    of_panel: float
    """With what lies between two."""
    top: float
    is_slanted: bool
    """Whether the heads of the panels are."""


def _layout(names: Sequence[str], heads: Sequence[str]) -> _Page:
    """Return the least page that the figure fits: a column, two of them, or what it needs."""
    from ct_importance.report.style import DOUBLE_COLUMN, MM, SINGLE_COLUMN

    one, two = SINGLE_COLUMN / MM, DOUBLE_COLUMN / MM
    beside_panels, longest = 3 + LETTER * max(map(len, names)), max(map(len, heads))
    needed = beside_panels + len(heads) * (max(NARROWEST, LETTER * longest) + BETWEEN)
    if needed <= one and len(names) <= MOST_IN_A_COLUMN:
        return _Page(one, 1, beside_panels, (one - beside_panels) / len(heads), TOP, False)
    for beside in (2, 1):
        if needed <= two / beside:
            of_panel = (two / beside - beside_panels) / len(heads)
            return _Page(two, beside, beside_panels, of_panel, TOP, False)
    reach = SLANTED * min(longest, LONGEST)
    width = max(two, beside_panels + len(heads) * (NARROWER + BETWEEN) + reach)
    of_panel = (width - reach - beside_panels) / len(heads)
    return _Page(width, 1, beside_panels, of_panel, TOP + reach, True)


def _draw_ranks(
    axes: plot.Axes, ranks: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]
) -> None:
    """Draw a panel: a row per estimator, with the line of its interval and the number of its rank.

    Args:
        axes: Where to.
        ranks: Of one metric and variant.
        styles: Of the estimators, in the order of their rows.
    """
    of_estimator = {row.estimator: row for row in ranks.itertuples()}
    for row, (name, style) in enumerate(styles.items()):
        if not row % 2:
            axes.axhspan(row - 0.5, row + 0.5, color="#F2F2F2", linewidth=0, zorder=0)
        if name not in of_estimator:
            continue
        found, colour = of_estimator[name], style["color"]
        axes.plot([found.rank_low, found.rank_high], [row, row], color=colour, linewidth=1.6)
        frame: dict[str, Any] = {"facecolor": "white", "edgecolor": colour, "linewidth": 0.6}
        axes.text(
            *(found.rank, row + 0.04, f"{found.rank:.3g}"),
            ha="center",
            va="center",
            fontsize=5.5,
            bbox={"boxstyle": "round,pad=0.12", **frame},
        )
    count = len(styles)
    axes.set(xlim=(0, count + 1), ylim=(count - 0.5, -0.5), xticks=[1, count], yticks=[])
    axes.tick_params(labelsize=6, length=2, left=False)
    axes.spines[["left", "bottom"]].set_visible(False)


def _write_head(axes: plot.Axes, head: str, is_slanted: bool) -> None:
    if not is_slanted:
        axes.set_title(head, pad=3, fontsize=6.5)
        return
    axes.annotate(
        *(fill(head, LONGEST, break_long_words=False), (0.5, 1)),
        xytext=(0, 3),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=6.5,
        linespacing=0.9,
        rotation=45,
        rotation_mode="anchor",
        annotation_clip=False,
    )


def _name_rows(
    axes: plot.Axes, styles: Mapping[str, Mapping[str, Any]], failing: Collection[str]
) -> None:
    names = [
        STRUCK.join([*style["label"], ""]) if name in failing else style["label"]
        for name, style in styles.items()
    ]
    axes.set_yticks(range(len(names)), names, fontsize=6)
