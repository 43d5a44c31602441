"""Dice coefficient of the most important regions and the mask (sections 3.3 and 4.3, Table 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import field_validator

from ct_importance.errors import InputError
from ct_importance.metrics.catalogue.localisation._against_mask import AgainstMask
from ct_importance.metrics.metric import Curves, Maps, Points, Probe, Sample
from ct_importance.task import DEFAULT_TASK, Task

if TYPE_CHECKING:
    from ct_importance.saliency.xrai.regions import Regions


class Dice(AgainstMask):
    """The highest DSC(p) = 2 |R and M| / (|R| + |M|) of regions R and mask M, over p.

    R are the regions of XRAI that a map ranks highest, up to p percent of the slice; DSC(p) is
    averaged over slices. It misleads where no region fits the mask: compare with the perfect map in
    the last row of its table. The best p is chosen on the slices that it is judged by, so that
    values are a little too high, for all estimators alike.
    """

    title: ClassVar[str] = "Dice"
    unit: ClassVar[str] = "max DSC"
    reference: ClassVar[str] = "Brocki et al. 2022, sections 3.3 and 4.3"
    needs: ClassVar[frozenset[str]] = frozenset({"mask", "segments"})
    table: ClassVar[str] = "table3_dice"
    heading: ClassVar[str] = "Highest Dice coefficient of XRAI regions against masks"
    coverage: ClassVar[str] = "92.9 % (30 patients) and 91.9 % (12)"
    point_columns: ClassVar[dict[str, str]] = {
        "percentage": "float64",
        "dsc": "float64",
        "shown_percentage": "float64",
    }
    position_columns: ClassVar[tuple[str, ...]] = ("percentage",)
    mean_columns: ClassVar[tuple[str, ...]] = ("dsc", "shown_percentage")

    percentages: tuple[float, ...] = (
        *(quarter / 4 for quarter in range(4, 40)),
        *(float(percentage) for percentage in range(10, 101)),
    )
    """Displayed percentages of the image, rising; by default 1 to 10 in quarters, then 11 to 100:
    the paper finds its maxima between 5 and 10 percent."""

    @field_validator("percentages")
    @classmethod
    def _percentages_rise(cls, percentages: tuple[float, ...]) -> tuple[float, ...]:
        inside = all(0 < percentage <= 100 for percentage in percentages)
        if not percentages or not inside or any(np.diff(percentages) <= 0):
            raise ValueError("give rising percentages above 0 and up to 100")
        return percentages

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return DSC and shown percentage at each displayed percentage, by variant.

        Args:
            sample: A slice with mask and segments.
            maps: Importance maps (H, W) by variant.
            probe: Not asked.

        Returns:
            By variant: ``percentage`` p that was asked for, ``dsc`` in [0, 1] of the region shown
            at p, ``shown_percentage`` of the image: regions are shown whole, so it can exceed p.

        Raises:
            InputError: If the mask is empty (its DSC is 0 or undefined, never a hit) or a map is
                not finite.
        """
        from ct_importance.saliency.xrai.regions import xrai_regions

        assert sample.mask is not None, "which the metric needs"
        assert sample.segments is not None, "which the metric needs"
        percentages = np.array(self.percentages)
        points = {}
        for variant, importance in maps.items():
            regions = xrai_regions(importance, sample.segments)
            dsc, shown = dice_curve(regions, sample.mask, percentages)
            points[variant] = {"percentage": percentages, "dsc": dsc, "shown_percentage": shown}
        return points

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the maximum of the averaged DSC curve and where it is reached.

        Args:
            curves: Means over slices at each percentage.

        Returns:
            ``value`` (maximum DSC), ``percentage`` (the first one that reaches it) and
            ``shown_percentage`` (mean share of the image shown there), each (B,).
        """
        dsc = curves.means["dsc"]
        best = dsc.argmax(axis=1)[:, None]
        return {
            "value": np.take_along_axis(dsc, best, axis=1)[:, 0],
            "percentage": curves.positions["percentage"][best[:, 0]],
            "shown_percentage": np.take_along_axis(curves.means["shown_percentage"], best, axis=1)[
                :, 0
            ],
        }

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the curves of Figure 6: ``dsc`` and what is really shown, by percentage."""
        return curves

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how Dice is computed with these options."""
        return (
            "Dice is human-centric: how well the most important XRAI regions agree with the masks. "
            "Regions are shown whole, so that the percentage shown may pass the one asked for."
        )


def dice_curve(
    regions: Regions, mask: np.ndarray, percentages: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return DSC and shown percentage of ``heat >= percentile(heat, 100 - p)`` for each p.

    Args:
        regions: Region-wise importance; ``heat`` is that of the pixels.
        mask: (H, W) bool.
        percentages: Values of p, in (0, 100].

    Raises:
        InputError: If the mask is empty.

    Example:
        >>> from ct_importance.saliency.xrai.regions import Regions
        >>> regions = Regions(labels=np.array([[0, 0], [1, 2]]), values=np.array([0.1, 0.9, 0.5]))
        >>> mask = np.array([[False, False], [True, True]])
        >>> dsc, shown = dice_curve(regions, mask, np.array([25, 50, 100]))
        >>> dsc.round(2).tolist(), shown.tolist()
        ([0.67, 1.0, 0.67], [25.0, 50.0, 100.0])
    """
    if not mask.any():
        raise InputError("the mask is empty: leave the slice out")
    order = np.argsort(regions.values)
    sizes, sizes_in_mask = (
        np.bincount(labels, minlength=order.size)[order]
        for labels in (regions.labels.ravel(), regions.labels[mask])
    )
    values = regions.values[order]
    first_shown = np.searchsorted(values, percentiles(values, sizes, 100 - percentages))
    shown, overlap = (
        count.sum() - np.append(0, count.cumsum())[first_shown] for count in (sizes, sizes_in_mask)
    )
    return 2 * overlap / (shown + sizes_in_mask.sum()), 100 * shown / sizes.sum()


def percentiles(values: np.ndarray, sizes: np.ndarray, percentages: np.ndarray) -> np.ndarray:
    """Return ``np.percentile`` of values that come several times, to the last bit.

    Args:
        values: (R,), rising.
        sizes: (R,) how often each value comes.
        percentages: In [0, 100].

    Example:
        >>> percentiles(np.array([1.0, 5.0]), np.array([3, 1]), np.array([50, 100])).tolist()
        [1.0, 5.0]
    """
    last = sizes.cumsum() - 1
    position = last[-1] * (percentages / 100)
    below = np.floor(position).astype(int)
    low, high = (
        values[np.searchsorted(last, np.minimum(rank, last[-1]))] for rank in (below, below + 1)
    )
    # The rounding of NumPy's interpolation decides whether a region is shown.
    share = position - below
    rise = high - low
    found: np.ndarray = np.where(share < 0.5, low + rise * share, high - rise * (1 - share))
    return found
