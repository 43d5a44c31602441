"""What figures of example slices have in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from ct_importance.io.slices import Row
from ct_importance.report.figure import Figure, Outline, Tables
from ct_importance.report.names import display_name
from ct_importance.task import Task

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes


class OfExamples(Figure, ABC):
    """A map of one estimator beside its slice and mask."""

    estimator: str
    """Whose maps it shows."""
    example_slices: dict[str, str]
    """Slice ids to show, by class."""
    task: Task

    @classmethod
    def of_estimator(cls, run: Outline, chosen: str | None, usual: str) -> Self:
        """Return it with the maps of the chosen estimator, else of the usual, else of the first."""
        estimator = run.estimator(chosen, usual)
        return cls(estimator=estimator, example_slices=run.example_slices, task=run.task)

    @property
    def notes(self) -> str:
        """Whose map it is."""
        return f"The map is that of {display_name(self.estimator)}."

    @property
    def labels(self) -> dict[str, str]:
        """What the report lists it as."""
        return super().labels | {"shows": f"{self.title} of {display_name(self.estimator)}"}

    def examples(self, tables: Tables) -> dict[int, Row]:
        """Return a slice of each class that has one with a mask, by label."""
        from ct_importance.report.examples import choose_examples

        return choose_examples(
            tables["slices"], tables["predictions"], self.example_slices, self.task
        )


def show_example(panels: Sequence[Axes], row: Row, importance: np.ndarray) -> None:
    """Show in three panels a slice, its mask, and its map with the outline of the mask."""
    from ct_importance.report.style import show_map, show_mask, show_outline, show_slice

    show_slice(panels[0], row["image"])
    show_mask(panels[1], row["mask"])
    show_map(panels[2], importance, with_bar=True)
    show_outline(panels[2], row["mask"])
