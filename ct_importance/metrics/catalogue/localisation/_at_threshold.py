"""Metrics of the overlap of the mask and what a map shows above a threshold."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from ct_importance.metrics.catalogue.localisation._against_mask import AgainstMask
from ct_importance.metrics.metric import Curves, Maps, Points, Probe, Sample
from ct_importance.metrics.top_pixels import covered, expected_hits, sorted_scores, top_count
from ct_importance.task import DEFAULT_TASK, Task

SHARES = (0.0025, 0.005, 0.0075, *(percent / 100 for percent in range(1, 51)))
"""Of the pixels, among which the best is chosen on training slices."""


class AtThreshold(AgainstMask, ABC):
    """Overlap of the mask with the most important share of the pixels.

    The share is given, or chosen as that of the best mean over slices of training patients; then
    the value is that of slices of test patients alone. It is chosen anew in each resample.
    """

    point_columns: ClassVar[dict[str, str]] = {
        "top": "float64",
        "score": "float64",
        "training_score": "float64",
        "chance": "float64",
        "judged": "float64",
        "training": "float64",
    }
    position_columns: ClassVar[tuple[str, ...]] = ("top",)
    mean_columns: ClassVar[tuple[str, ...]] = (
        *("score", "training_score"),
        *("chance", "judged", "training"),
    )

    top: Literal["training"] | Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the pixels that a map shows; `training` for the share that is best on slices of
    training patients, and the value on those of test patients."""

    @model_validator(mode="after")
    def _has_training_slices(self) -> Self:
        if self.is_tuned and self.slices != "annotated":
            raise ValueError("top: training chooses on training slices: set slices to annotated")
        return self

    @property
    def is_tuned(self) -> bool:
        """Whether the share is chosen on slices of training patients."""
        return self.top == "training"

    @staticmethod
    @abstractmethod
    def overlap(hits: np.ndarray, shown: np.ndarray, masked: int) -> np.ndarray:
        """Return how far what is shown and the mask are the same, (K,).

        Args:
            hits: (K,) pixels of both, where scores are tied the expected number.
            shown: (K,) pixels shown.
            masked: Pixels of the mask.
        """

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the overlap at each share, by variant.

        Args:
            sample: A slice with a mask.
            maps: Importance maps (H, W) by variant.
            probe: Not asked.

        Returns:
            By variant: the share ``top``; ``score`` and the ``chance`` of a random map, both times
            ``judged``: 1 for a slice that the value is about, else 0; ``training_score``: the score
            times ``training``, 1 for a slice that the share is chosen on.

        Raises:
            InputError: If the mask is empty or covers the whole image.
        """
        shares = np.array(SHARES if self.is_tuned else [self.top], np.float64)
        training = float(self.is_tuned and sample.is_training)
        points = {}
        for variant, importance in maps.items():
            scores, positive = sorted_scores(importance, sample.mask)
            counts = np.array([top_count(share, scores.size) for share in shares])
            hits, _ = expected_hits(scores, positive, counts)
            score = self.overlap(hits, counts, positive.size)
            chance = self.overlap(counts * covered(sample.mask), counts, positive.size)
            points[variant] = {
                "top": shares,
                "score": score * (1 - training),
                "training_score": score * training,
                "chance": chance * (1 - training),
                "judged": np.full(len(shares), 1 - training),
                "training": np.full(len(shares), training),
            }
        return points

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the overlap at the share that is given, or best on training slices.

        Args:
            curves: Means over slices at each share.

        Returns:
            ``value``, the ``chance`` of a random map and ``top``, the share; each (B,), NaN where
            there are no slices to judge or, for a share that is chosen, none to choose it on.
        """
        means = curves.means
        best = means["training_score"].argmax(axis=1)[:, None]
        score, chance, judged, training = (
            np.take_along_axis(means[name], best, axis=1)[:, 0]
            for name in ("score", "chance", "judged", "training")
        )
        known = (judged > 0) & ((training > 0) | (not self.is_tuned))
        share = np.where(known, judged, np.nan)
        top = np.where(known, curves.positions["top"][best[:, 0]], np.nan)
        return {"value": score / share, "chance": chance / share, "top": top}

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the overlap on the slices that are judged, at each share."""
        judged = curves.means["judged"]
        score = curves.means["score"] / np.where(judged > 0, judged, np.nan)
        return Curves(curves.positions, {"score": score})

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed with these options."""
        if self.is_tuned:
            return (
                f"{self.title}: overlap of the mask with the most important pixels. Their share is "
                "the one that is best on slices of training patients, for each estimator; values "
                "are of slices of test patients alone."
            )
        shown = f"{100 * self.top:g} % most important pixels"
        return f"{self.title}: overlap of the mask with the {shown}."
