"""Figure 3: a slice, its mask, map and XRAI map, and what is shown at 1 to 5 %."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, ClassVar, Self

from ct_importance.report.figure import Outline, Tables
from ct_importance.report.figures.paper._example import OfExamples, show_example
from ct_importance.report.names import display_name

if TYPE_CHECKING:
    from matplotlib import figure

PERCENTAGES = (1, 2, 3, 4, 5)


class XraiRegions(OfExamples):
    """The regions that Dice compares with the mask, on the slice of the last class."""

    title: ClassVar[str] = "XRAI regions"
    caption: ClassVar[str] = (
        "A slice, its mask, its importance map, and the average of it over XRAI regions, with the "
        "outline of the mask (cyan); then the regions displayed at 1 to 5 %. Regions are shown "
        "whole, so that more than the asked percentage can be displayed; what is shown stands "
        "above. Bars give the scales of the maps."
    )
    number: ClassVar[str] = "3"
    reads: ClassVar[tuple[str, ...]] = ("slices", "predictions", "maps", "segments")

    @classmethod
    def of_run(cls, run: Outline) -> list[Self]:
        """Return it where Dice is measured."""
        if "dice" not in run.metrics:
            return []
        chosen = run.report.figure3_estimator
        return [cls.of_estimator(run, chosen, usual="expected_gradients")]

    def draw(self, tables: Tables) -> figure.Figure:
        """Return nine pictures, three in a row."""
        import numpy as np
        from matplotlib import pyplot as plt

        from ct_importance.report.examples import map_of_slice, row_of_slice
        from ct_importance.report.style import (
            SINGLE_COLUMN,
            bare,
            show_map,
            show_outline,
            show_slice,
        )
        from ct_importance.saliency.xrai.regions import xrai_regions
        from ct_importance.saliency.xrai.storage import unpack_segments

        examples = self.examples(tables)
        row = examples[max(examples)]
        importance = map_of_slice(tables["maps"], row["slice_id"])
        packed = row_of_slice(tables["segments"], row["slice_id"])["segments"]
        heat = xrai_regions(importance, unpack_segments(packed, row["image"].shape)).heat
        figure, grid = plt.subplots(3, 3, figsize=(SINGLE_COLUMN, SINGLE_COLUMN * 1.28))
        axes = list(grid.flat)
        show_example(axes[:3], row, importance)
        show_map(axes[3], heat, with_bar=True)
        titles = ("Slice", "Mask", textwrap.fill(display_name(self.estimator), 19), "XRAI regions")
        for panel, title in zip(axes[:4], titles, strict=True):
            bare(panel, title)
        for panel, percentage in zip(axes[4:], PERCENTAGES, strict=True):
            shown = heat >= np.percentile(heat, 100 - percentage)
            show_slice(panel, np.where(shown, row["image"], 0.0))
            bare(panel, f"{percentage} %\n({100 * shown.mean():.1f} % shown)")
        for panel in axes[3:]:
            show_outline(panel, row["mask"])
        for panel in axes:
            panel.title.set_fontsize(6.5)
        return figure
