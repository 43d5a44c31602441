"""Loss and balanced accuracy of the classifier over the epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.report.figure import Figure, Outline, Tables

if TYPE_CHECKING:
    from matplotlib import figure

SERIES = {
    "loss": ("training slices", "#0072B2", ""),
    "test_loss": ("test slices", "#D55E00", "o"),
    "balanced_accuracy": ("training slices", "#0072B2", ""),
    "test_balanced_accuracy": ("test slices", "#D55E00", "o"),
}


class TrainingCurve(Figure):
    """How the classifier learned."""

    title: ClassVar[str] = "loss and accuracy of the classifier"
    caption: ClassVar[str] = (
        "Loss (left; all classes count the same) and balanced accuracy (right) of the "
        "classifier over the epochs: training slices as they were seen, with augmentation, and "
        "test slices where they were evaluated."
    )
    reads: ClassVar[tuple[str, ...]] = ("training",)

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it where the classifier is trained."""
        return [cls()] if run.is_trained_here else []

    def draw(self, tables: Tables) -> figure.Figure:
        """Return two panels: loss and balanced accuracy."""
        from matplotlib import pyplot as plt
        from matplotlib.ticker import MaxNLocator

        from ct_importance.io.table_file import read_frame
        from ct_importance.report.style import SINGLE_COLUMN

        history = read_frame(tables["training"])
        figure, grid = plt.subplots(1, 2, figsize=(SINGLE_COLUMN, 1.9), sharex=True)
        for name, (label, colour, marker) in SERIES.items():
            known = history.dropna(subset=[name])
            axes = grid[int("accuracy" in name)]
            style = {"color": colour, "marker": marker, "markersize": 3, "label": label}
            axes.plot(known.epoch, known[name], **style)
        for axes in grid:
            axes.set(xlabel="epoch", xlim=(0, 1.05 * history.epoch.max()))
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        # Lines at the ends are not to lie under the axes.
        grid[0].set(ylabel="loss", ylim=(-0.03 * grid[0].get_ylim()[1], None))
        grid[1].set(ylabel="balanced accuracy", ylim=(-0.03, 1.03))
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        return figure
