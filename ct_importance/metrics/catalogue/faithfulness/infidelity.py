"""Infidelity: does the map say how much the score changes as the slice does?"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ct_importance.classifier.forward.answers import predicted_classes
from ct_importance.compute.randomness import generator_for
from ct_importance.metrics.filling import Fill
from ct_importance.metrics.fills.mean import Mean
from ct_importance.metrics.masking import check_scores
from ct_importance.metrics.metric import Category, Maps, Points, Probe, Sample
from ct_importance.metrics.per_slice import PerSlice
from ct_importance.saliency.estimator import Cost
from ct_importance.task import DEFAULT_TASK, Task


class Infidelity(PerSlice):
    """Mean of (<I, E> - (f(x) - f(x - I)))^2 over perturbations I of the slice x.

    f is the score (before sigmoid or softmax) of the class that is predicted of x. Normalised, E is
    multiplied by the factor from 0 on that makes it least, since maps have units of their own, and
    it is divided by the mean of the squared changes of f: 0 is a map that says all, 1 one that says
    nothing. It misleads for maps that are no contribution to f, such as ranks of regions: only the
    factor helps them. And it asks about the perturbations that are chosen, no others.
    """

    title: ClassVar[str] = "Infidelity"
    unit: ClassVar[str] = "infidelity"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = False
    category: ClassVar[Category] = "faithfulness"
    reference: ClassVar[str] = "Yeh et al. 2019, arXiv 1901.09392"
    undefined_where: ClassVar[str] = "no perturbation changes the score"
    needs: ClassVar[frozenset[str]] = frozenset({"classifier", "image"})
    table: ClassVar[str] = "infidelity"
    balanced: ClassVar[bool] = True

    perturbation: Literal["squares", "noise"] = "squares"
    """What changes: a square of the slice, which is filled, or every pixel, by Gaussian noise."""
    draws: int = Field(50, ge=1, le=10_000)
    """Number of perturbations, the same for all maps of a slice."""
    side: float = Field(0.2, gt=0, le=1)
    """Side of the squares, as a share of that of the slice."""
    fill: Fill = Mean()
    """What fills the squares: by_class, constant, mean, blur, noise or noisy_linear."""
    sigma: float = Field(0.1, gt=0, le=1)
    """Standard deviation of the noise, of grey values from 0 to 1."""
    normalise: bool = True
    """Whether the map is scaled to fit, and what is left is a share of the changes."""
    batch: int | None = Field(None, ge=1, le=10_000)
    """Images per pass through the classifier; null for as many as suit the device."""

    def cost(self, of_map: Cost) -> Cost:
        """Return a pass for each perturbation, and one for the slice as it is."""
        return Cost(forward=self.draws + 1)

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the infidelity of each map to the same perturbations, by variant.

        Args:
            sample: The slice.
            maps: Importance maps (H, W) by variant.
            probe: Needs a classifier; its seed decides the perturbations.

        Returns:
            As `PerSlice.evaluate`; undefined where no perturbation changes the score.

        Raises:
            InputError: If a logit is not finite.
        """
        asked = self.asked(sample, probe)
        return {
            variant: self.point(self.told(importance, *asked), sample)
            for variant, importance in maps.items()
        }

    def score(self, sample: Sample, importance: np.ndarray, probe: Probe) -> float:
        """Return the infidelity of one map."""
        return self.told(importance, *self.asked(sample, probe))

    def told(
        self,
        importance: np.ndarray,
        taken_away: NDArray[np.float64],
        changes: NDArray[np.float64],
    ) -> float:
        """Return the infidelity of a map to what `asked` returns."""
        products = np.einsum("nhw,hw->n", taken_away, importance)
        return infidelity(products, changes, self.normalise)

    def asked(
        self, sample: Sample, probe: Probe
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the perturbations I, (draws, H, W), and the changes f(x) - f(x - I), (draws,)."""
        image, classifier = sample.image, probe.classifier
        assert image is not None, "which the metric needs"
        assert classifier is not None, "which the metric needs"
        changed = self.perturbed(sample, probe)
        scores = classifier.scores(np.concatenate([image[None], changed]), self.batch)
        check_scores(scores)
        of_class = scores[:, predicted_classes(scores[:1])[0]].astype(np.float64)
        return image.astype(np.float64) - changed, of_class[0] - of_class[1:]

    def perturbed(self, sample: Sample, probe: Probe) -> NDArray[np.float32]:
        """Return the slice x - I for each perturbation I, (draws, H, W)."""
        from ct_importance.classifier.forward.runtime import with_masked

        assert sample.image is not None, "which the metric needs"
        shape = (self.draws, *sample.image.shape)
        generator = generator_for(probe.seed, sample.slice_id, "infidelity")
        if self.perturbation == "noise":
            noise = self.sigma * generator.standard_normal(shape)
            return (sample.image - noise).astype(np.float32)
        sides = [max(1, round(self.side * length)) for length in shape[1:]]
        masks = np.zeros(shape, bool)
        for mask in masks:
            top, left = (
                int(generator.integers(length - side + 1))
                for length, side in zip(shape[1:], sides, strict=True)
            )
            mask[top : top + sides[0], left : left + sides[1]] = True
        return with_masked(sample.image, masks, self.fill.of(sample, probe))

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how infidelity is computed with these options."""
        what = (
            f"squares of {100 * self.side:g} % of the side are masked {self.fill.in_words(task)}"
            if self.perturbation == "squares"
            else f"noise of standard deviation {self.sigma:g} is added"
        )
        left = (
            "the share of these changes that the map, scaled to fit, does not tell"
            if self.normalise
            else "the mean squared difference of these changes and what the map tells of them"
        )
        return (
            f"Infidelity is model-centric: of each slice {self.draws} copies are made, in which "
            f"{what}, the score of the class predicted changes, and infidelity is {left}: lower is "
            "better."
        )


def infidelity(
    told: NDArray[np.float64], changes: NDArray[np.float64], normalise: bool = False
) -> float:
    """Return the infidelity of what a map tells of the changes of a score.

    Args:
        told: (n,), <I, E> of each perturbation.
        changes: (n,), f(x) - f(x - I).
        normalise: Whether the map is scaled to fit, and what is left is a share of the changes.

    Returns:
        At least 0, normalised at most 1; NaN if that is a share of nothing.

    Example:
        >>> told, changes = np.array([1.0, 2.0]), np.array([2.0, 4.0])
        >>> infidelity(told, changes), infidelity(told, changes, normalise=True)
        (2.5, 0.0)
    """
    if not normalise:
        return float(np.mean((told - changes) ** 2))
    whole, square = float(np.mean(changes**2)), float(np.mean(told**2))
    if whole == 0:
        return math.nan
    factor = max(0.0, float(np.mean(told * changes)) / square) if square > 0 else 0.0
    return float(np.mean((factor * told - changes) ** 2)) / whole
