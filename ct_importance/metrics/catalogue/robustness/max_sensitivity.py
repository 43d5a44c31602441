"""How far does a map change where its slice hardly does? (Yeh et al. 2019)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from ct_importance.metrics.catalogue.robustness._copies import OfCopies
from ct_importance.metrics.metric import Curves, Points
from ct_importance.metrics.variations.variation import Noisy
from ct_importance.task import DEFAULT_TASK, Task


class MaxSensitivity(OfCopies):
    """max |E(x + d) - E(x)| / |E(x)| over noisy copies x + d of a slice; d is U(-r, r) per pixel.

    It misleads where the classifier itself is sensitive: a map that rightly follows its answer then
    changes, too, and one that is the same for all slices is best. So the details say how far the
    answer changed (``answer_change``). A copy is a slice of its own: estimators that draw random
    numbers draw others for it.
    """

    title: ClassVar[str] = "Max-Sensitivity"
    unit: ClassVar[str] = "Relative Change"
    higher_is_better: ClassVar[bool] = False
    reference: ClassVar[str] = "Yeh et al. 2019, arXiv 1901.09392"
    table: ClassVar[str] = "max_sensitivity"
    heading: ClassVar[str] = "Largest change of the map among noisy copies of a slice"
    point_columns: ClassVar[dict[str, str]] = {
        "largest": "float64",
        "mean": "float64",
        "answer_change": "float64",
    }
    mean_columns: ClassVar[tuple[str, ...]] = ("largest", "mean", "answer_change")

    radius: float = Field(0.02, gt=0, le=1)
    """Largest change r of a pixel, a share of the range from black to white."""
    copies: int = Field(10, ge=1, le=1000)
    """Noisy copies of each slice."""
    sample: int | None = Field(20, ge=2, le=100_000)
    """How many of the slices at most, of as many patients as possible; null: all."""

    @property
    def variations(self) -> tuple[Noisy, ...]:
        """The noisy copies."""
        noise = {"radii": (self.radius,), "copies": self.copies}
        return (Noisy(slices=self.slices, sample=self.sample, **noise),)

    def point(self, importance: np.ndarray, after: np.ndarray, answers: np.ndarray) -> Points:
        """Return how far a map and the answer change at most.

        Returns:
            The ``largest`` and the ``mean`` change of the map in the Frobenius norm, relative to
            the map's own (or as it is, for a map of zeros), and ``answer_change``, the largest
            change of the score of the class that the slice is taken for.
        """
        changes = after - np.float64(importance)
        norms = np.sqrt((changes**2).sum(axis=(1, 2)))
        norms /= np.linalg.norm(np.float64(importance)) or 1.0
        return {
            "largest": norms.max(keepdims=True),
            "mean": norms.mean(keepdims=True),
            "answer_change": answers.max(keepdims=True),
        }

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return ``value``, the mean over slices, and that of the other columns, each (B,)."""
        means = {name: values[:, 0] for name, values in curves.means.items()}
        return {"value": means["largest"], **{name: means[name] for name in self.mean_columns[1:]}}

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the point as it is."""
        return curves

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed with these options."""
        return (
            f"Max-sensitivity: the largest change of the map among {self.copies} copies of a slice "
            f"with noise of at most {self.radius:g} of the range from black to white per pixel, "
            "relative to the map (Frobenius norm; Yeh et al. 2019). A map that is the same for all "
            "slices is best; the details say how far the answer of the classifier changed."
        )
