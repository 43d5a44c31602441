"""Does a map change as far as the answer of the classifier does? (Zhang et al. 2024)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from ct_importance.metrics.catalogue.robustness._copies import OfCopies
from ct_importance.metrics.metric import Curves, Points
from ct_importance.metrics.per_slice import mean_where_defined
from ct_importance.metrics.similarity import structural_similarity
from ct_importance.metrics.variations.variation import Noisy
from ct_importance.task import DEFAULT_TASK, Task

Radius = Annotated[float, Field(gt=0, le=1)]


class PredictionSaliencyCorrelation(OfCopies):
    """Correlation of |f(x + d) - f(x)| with 1 - SSIM(E(x + d), E(x)) over noisy copies of a slice.

    f is the score of the class that the slice is taken for. It misleads where stronger noise
    moves both, whatever the one has to do with the other: edges of the slice do so, too. Hold it
    against the controls, or take one radius.
    """

    title: ClassVar[str] = "Prediction-Saliency Correlation"
    unit: ClassVar[str] = "Correlation"
    higher_is_better: ClassVar[bool] = True
    reference: ClassVar[str] = "Zhang et al. 2024, Radiology: Artificial Intelligence 6, e220221"
    chance: ClassVar[float | None] = 0.0
    undefined_where: ClassVar[str] = "a map or an answer that is the same for all copies"
    table: ClassVar[str] = "prediction_saliency_correlation"
    heading: ClassVar[str] = "Correlation of changes of the map with changes of the answer"
    point_columns: ClassVar[dict[str, str]] = {
        "correlation": "float64",
        "defined": "bool",
        "map_change": "float64",
        "answer_change": "float64",
    }
    mean_columns: ClassVar[tuple[str, ...]] = (
        *("correlation", "defined", "map_change", "answer_change"),
    )

    radii: Annotated[tuple[Radius, ...], Field(min_length=1, max_length=100)] = (
        *(0.02, 0.05, 0.1, 0.2),
    )
    """Largest changes of a pixel, shares of the range from black to white."""
    copies: int = Field(5, ge=1, le=1000)
    """Noisy copies of each slice with each radius."""
    sample: int | None = Field(20, ge=2, le=100_000)
    """How many of the slices at most, of as many patients as possible; null: all."""

    @property
    def variations(self) -> tuple[Noisy, ...]:
        """The noisy copies."""
        noise = {"radii": self.radii, "copies": self.copies}
        return (Noisy(slices=self.slices, sample=self.sample, **noise),)

    def point(self, importance: np.ndarray, after: np.ndarray, answers: np.ndarray) -> Points:
        """Return how far the changes of a map go with those of the answer.

        Returns:
            Pearson's ``correlation`` over the copies (0 where it is not ``defined``), and the means
            of the changes, ``map_change`` and ``answer_change``.
        """
        changes = 1 - np.array([structural_similarity(importance, one) for one in after])
        correlation = pearson(changes, answers)
        return {
            "correlation": np.array([np.nan_to_num(correlation)]),
            "defined": np.array([not math.isnan(correlation)]),
            "map_change": changes.mean(keepdims=True),
            "answer_change": answers.mean(keepdims=True),
        }

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the mean over those slices of which the correlation is defined.

        Returns:
            ``value`` (NaN if it is defined of none), ``undefined`` (the share of the slices that it
            is not defined of), ``map_change`` and ``answer_change``, each (B,).
        """
        means = {name: values[:, 0] for name, values in curves.means.items()}
        value = mean_where_defined(means["correlation"], means["defined"])
        changes = {name: means[name] for name in ("map_change", "answer_change")}
        return {"value": value, "undefined": 1 - means["defined"], **changes}

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the value as the one point of a curve."""
        return Curves({}, {"correlation": self.summarise(curves)["value"][:, None]})

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how it is computed with these options."""
        radii = ", ".join(f"{radius:g}" for radius in self.radii)
        return (
            "Prediction-saliency correlation: over noisy copies of a slice, Pearson's correlation "
            "of the change of the answer, the score of the class that the slice is taken for, with "
            f"the change of the map, 1 - SSIM (Zhang et al. 2024); {self.copies} copies each with "
            f"noise of at most {radii} of the range from black to white."
        )


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    """Return Pearson's correlation of two rows of numbers; NaN if either has one value only.

    Example:
        >>> round(pearson(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 6)
        0.5
    """
    centred = [values - values.mean() for values in (one, other)]
    lengths = [float(np.linalg.norm(values)) for values in centred]
    scales = [1e-12 * (float(np.abs(values).max()) or 1.0) for values in (one, other)]
    if any(length <= scale for length, scale in zip(lengths, scales, strict=True)):
        return math.nan
    return float(centred[0] @ centred[1] / (lengths[0] * lengths[1]))
