"""Figure 1: slice, mask and importance map for one slice of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.report.figure import Outline, Tables
from ct_importance.report.figures.paper._example import OfExamples, show_example
from ct_importance.report.names import display_name

if TYPE_CHECKING:
    from matplotlib import figure


class Examples(OfExamples):
    """A row of each class that has a mask."""

    title: ClassVar[str] = "slice, mask and map"
    caption: ClassVar[str] = (
        "One slice of each class: the slice in the grey values the classifier sees, its mask, and "
        "its importance map with the outline of the mask (cyan). Bright means important; where a "
        "map has two signs, red is positive and blue negative. The bars give the scale of each "
        "map, whose colours end at the 99.5th percentile of its absolute values."
    )
    number: ClassVar[str] = "1"
    reads: ClassVar[tuple[str, ...]] = ("slices", "predictions", "maps")

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it where slices have masks."""
        if not run.has_masks:
            return []
        chosen = run.report.figure1_estimator
        return [cls.of_estimator(run, chosen, usual="smoothgrad_squared")]

    def draw(self, tables: Tables) -> figure.Figure:
        """Return a row of three pictures per class."""
        from matplotlib import pyplot as plt

        from ct_importance.report.examples import map_of_slice
        from ct_importance.report.style import SINGLE_COLUMN, bare

        examples = self.examples(tables)
        size = (SINGLE_COLUMN, SINGLE_COLUMN * 0.36 * len(examples) + 0.2)
        figure, grid = plt.subplots(len(examples), 3, figsize=size, squeeze=False)
        titles = ("Slice", "Mask", display_name(self.estimator))
        for number, (axes, (label, row)) in enumerate(zip(grid, examples.items(), strict=True)):
            show_example(axes, row, map_of_slice(tables["maps"], row["slice_id"]))
            for panel, title in zip(axes, titles, strict=True):
                bare(panel, title if number == 0 else "")
            name = self.task.classes[label]
            axes[0].set_ylabel(name[0].upper() + name[1:])
        return figure
