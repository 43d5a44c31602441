"""Agreement of pixel-wise importance with the mask: ROC and AUC (sections 3.2 and 4.2, Table 2)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from ct_importance.metrics.catalogue.localisation._against_mask import AgainstMask
from ct_importance.metrics.metric import Curves, Maps, Points, Probe, Sample
from ct_importance.metrics.top_pixels import expected_hits, sorted_scores
from ct_importance.task import DEFAULT_TASK, Task

FIGURE_FPR = np.linspace(0, 1, 201)
"""False positive rates at which a figure shows the curves."""


class Roc(AgainstMask):
    """Area under the curve of TPR(t) by FPR(t), of the importance as a predictor of the mask.

    TPR and FPR are the shares of the pixels inside and outside of the mask that are among the top t
    of the slice; curves are averaged over slices at each t. It misleads where masks are small: a
    map may put thousands of pixels before those of the mask and still come near 1, see ``auprc``.
    """

    title: ClassVar[str] = "ROC"
    unit: ClassVar[str] = "AUC"
    reference: ClassVar[str] = "Brocki et al. 2022, sections 3.2 and 4.2"
    chance: ClassVar[float | None] = 0.5
    table: ClassVar[str] = "table2_auc"
    heading: ClassVar[str] = "Area under the averaged ROC curve, importance against masks"
    coverage: ClassVar[str] = "94.0 % (30 patients)"
    point_columns: ClassVar[dict[str, str]] = {
        "threshold": "float64",
        "tpr": "float64",
        "fpr": "float64",
        "auc_exact": "float64",
        "mean_height": "float64",
    }
    position_columns: ClassVar[tuple[str, ...]] = ("threshold",)
    mean_columns: ClassVar[tuple[str, ...]] = ("tpr", "fpr", "auc_exact", "mean_height")

    grid: Literal["rank", "minmax"] = "rank"
    """What a threshold is: `rank`, the top share of the pixels; `minmax`, a level of the
    importance scaled to [0, 1]. Few pixels of most maps reach the middle of that scale, so
    averaged `minmax` curves have few points where it matters."""
    thresholds: int = Field(100, ge=1, le=10_000)
    """Number of steps from no pixel to all pixels."""

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return TPR and FPR at each threshold, by variant.

        Args:
            sample: A slice with a mask.
            maps: Importance maps (H, W) by variant.
            probe: Not asked.

        Returns:
            By variant: ``threshold`` (see `rank_curve` and `minmax_curve`), ``tpr`` and ``fpr`` in
            [0, 1], and two numbers of the slice repeated in every row: ``auc_exact`` and
            ``mean_height``, the mean TPR of the rank grid. Heights average to the heights of the
            averaged curve, so the mean of ``mean_height`` over slices is the paper's approximation
            of the AUC whatever ``grid`` is.

        Raises:
            InputError: If the mask is empty or covers the whole image: TPR or FPR is then
                undefined.
        """
        curve = {"rank": rank_curve, "minmax": minmax_curve}[self.grid]
        points = {}
        for variant, importance in maps.items():
            scores, positive = sorted_scores(importance, sample.mask)
            threshold, tpr, fpr = curve(scores, positive, self.thresholds)
            heights = tpr
            if self.grid != "rank":
                _, heights, _ = rank_curve(scores, positive, self.thresholds)
            points[variant] = {
                "threshold": threshold,
                "tpr": tpr,
                "fpr": fpr,
                "auc_exact": np.full(len(tpr), mann_whitney_auc(scores, positive)),
                "mean_height": np.full(len(tpr), heights.mean()),
            }
        return points

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the AUC in the three ways the paper's wording can be read.

        Args:
            curves: Means over slices at each threshold, by rising FPR.

        Returns:
            ``value`` (area under the averaged curve, trapezoid: Table 2), ``auc_mean_height`` (mean
            of the heights of the averaged curve, on the rank grid) and ``auc_exact`` (mean over
            slices of the AUC of each), each (B,).
        """
        means = curves.means
        return {
            "value": np.trapezoid(means["tpr"], means["fpr"]),
            "auc_mean_height": means["mean_height"][:, 0],
            "auc_exact": means["auc_exact"][:, 0],
        }

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the curves of Figure 5: ``tpr`` at fixed ``fpr``, between points on a line."""
        rates = zip(curves.means["fpr"], curves.means["tpr"], strict=True)
        tpr = [np.interp(FIGURE_FPR, fpr, heights) for fpr, heights in rates]
        return Curves({"fpr": FIGURE_FPR}, {"tpr": np.stack(tpr)})

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how the ROC curve is computed with these options."""
        grid = {
            "rank": "ranks, the top t of the pixels",
            "minmax": "levels of the importance, scaled to [0, 1] in each slice",
        }[self.grid]
        return (
            "ROC is human-centric: how well the importance of single pixels agrees with the masks. "
            f"Thresholds of the curve, averaged over slices, are {grid}."
        )


def rank_curve(
    scores: np.ndarray, positive: np.ndarray, thresholds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ROC curve at the top t of the pixels, t = 0, 1/thresholds, ..., 1.

    Where t cuts through equal scores, the rates are their expected values over all orders of
    the tied pixels: a constant map gives the diagonal.

    Args:
        scores: All scores, ascending.
        positive: Scores inside the mask, ascending.
        thresholds: Number of steps.

    Returns:
        Thresholds t, TPR and FPR, each (thresholds + 1,).

    Example:
        >>> scores = np.array([0.1, 0.2, 0.8, 0.9])
        >>> threshold, tpr, fpr = rank_curve(scores, positive=scores[2:], thresholds=4)
        >>> tpr.tolist(), fpr.tolist()
        ([0.0, 0.5, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.5, 1.0])
    """
    steps = np.arange(thresholds + 1)
    hits, false_alarms = expected_hits(scores, positive, steps * scores.size, parts=thresholds)
    negatives = scores.size - positive.size
    return steps / thresholds, hits / positive.size, false_alarms / negatives


def minmax_curve(
    scores: np.ndarray, positive: np.ndarray, thresholds: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ROC curve at levels of the score scaled to [0, 1]; positive means above.

    Args:
        scores: All scores, ascending.
        positive: Scores inside the mask, ascending.
        thresholds: Number of steps.

    Returns:
        Thresholds 1, ..., 1/thresholds, 0, then -1/thresholds, which all pixels are above; TPR
        and FPR. Each (thresholds + 2,), from (0, 0) to (1, 1).
    """
    low = np.float64(scores[0])
    span = scores[-1] - low
    threshold = np.arange(thresholds, -2, -1) / thresholds
    above, positive_above = (
        group.size - np.searchsorted((group - low) / (span or 1.0), threshold, side="right")
        for group in (scores, positive)
    )
    negatives = scores.size - positive.size
    return threshold, positive_above / positive.size, (above - positive_above) / negatives


def mann_whitney_auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the probability that a pixel of the mask outscores one outside, ties counting half.

    Args:
        scores: All scores, ascending.
        positive: Scores inside the mask, ascending.

    Example:
        >>> mann_whitney_auc(np.array([0.1, 0.2, 0.8, 0.9]), positive=np.array([0.2, 0.9]))
        0.75
    """
    below = np.searchsorted(scores, positive, side="left")
    up_to = below + 1
    # Few scores are equal to others in most maps: the second search is for those alone.
    tied = scores[np.minimum(up_to, scores.size - 1)] == positive
    up_to[tied] = np.searchsorted(scores, positive[tied], side="right")
    # Of the pixels of the mask themselves, these two sums count each ordered pair once.
    outscored_twice = below.sum() + up_to.sum() - positive.size**2
    return float(outscored_twice / 2 / (positive.size * (scores.size - positive.size)))
