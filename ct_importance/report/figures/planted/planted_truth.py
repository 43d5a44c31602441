"""Does the map show the sign that was planted? By classifier, on slices whose answer flips."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.cohort.options import PlantedOptions
from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib import figure


class PlantedTruth(Figure):
    """A row per estimator, a panel per classifier."""

    title: ClassVar[str] = "what maps show of the sign"
    caption: ClassVar[str] = (
        "How far maps show a sign that was put on slices of one class, with its interval by "
        "patient. Above each panel: the sign, the share of the training patients of that class who "
        "have it (0: a control, which cannot have learnt it), and on how many test slices with the "
        "sign the answer flips when it is taken away. Only these are shown: a map need only show "
        "what is used. Broken line: a random map. Signs without place change the whole body; what "
        "maps seem to show of them is the body. Estimators are in the order of the mean over the "
        "panels of other signs. A dagger marks controls, which know nothing of a classifier."
    )
    category: ClassVar[str] = "Planted signs"
    reads: ClassVar[tuple[str, ...]] = ("truth", "flips")
    across: ClassVar[bool] = True

    metric: str
    """The entry of the metric that is shown."""
    unit: str
    """Of its value."""
    planted: dict[str, PlantedOptions]
    """What is put on slices, by classifier."""
    controls: tuple[str, ...]

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return one per metric against the mask of the sign."""
        return [
            cls(
                metric=name,
                unit=metric.unit,
                planted=dict(run.planted),
                controls=run.controls,
            )
            for name, metric in run.against_signs.items()
            if metric.category == "localisation"
        ]

    @property
    def name(self) -> str:
        """Name of its files."""
        return f"planted_{self.metric.removeprefix('planted_')}"

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return {"content": f"{self.title}: {self.unit}"}

    def draw(self, tables: Tables) -> figure.Figure:
        """Return the panels."""
        from ct_importance.io.table_file import read_frame
        from ct_importance.report.figures.planted._by_classifier import (
            draw_rows,
            panels,
            title_of,
        )
        from ct_importance.report.names import marked_name
        from ct_importance.statistics.planted.order import in_order, rows_in_order

        truth, flips = read_frame(tables["truth"]), read_frame(tables["flips"])
        truth = truth[truth["metric"] == self.metric]
        order = rows_in_order(truth, "estimator", "value", self.planted)
        removed = flips[flips["what"] == "removed"].set_index("classifier")
        titles = {
            name: f"{title_of(name, planted)}\n{_flips_in_words(removed, name)}"
            for name, planted in in_order(self.planted).items()
        }
        names = [marked_name(it, self.controls) for it in order]
        drawn, found = panels(titles, names or [""], self.unit)
        for classifier, axes in found.items():
            of = truth[truth["classifier"] == classifier]
            axes.set_xlim(-0.03, 1.03)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            draw_rows(axes, of, "estimator", order, "value")
            if of.empty:
                axes.text(0.5, 0.5, "not used", ha="center", va="center", transform=axes.transAxes)
            elif of["chance"].notna().any():
                axes.axvline(of["chance"].mean(), color="#767676", linewidth=0.8, linestyle="--")
        return drawn


def _flips_in_words(removed: pd.DataFrame, classifier: str) -> str:
    if classifier not in removed.index:
        return "no slice with the sign"
    row = removed.loc[classifier]
    return f"flips {row['flipped']} of {row['slices']}"
