"""What metrics share that mask pixels in the order of their importance and ask again."""

from __future__ import annotations

from abc import ABC
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from ct_importance.classifier.forward.answers import predicted_classes
from ct_importance.metrics.filling import Filling
from ct_importance.metrics.masking import scores_while_masked
from ct_importance.metrics.metric import Category, Maps, Metric, Probe, Sample
from ct_importance.saliency.estimator import Cost


class Masking(Metric, ABC):
    """Base of metrics that mask pixels and ask the classifier again."""

    category: ClassVar[Category] = "faithfulness"
    needs: ClassVar[frozenset[str]] = frozenset({"classifier", "image"})
    balanced: ClassVar[bool] = True

    batch: int | None = Field(None, ge=1, le=10_000)
    """Images per pass through the classifier; null for as many as suit the device."""

    def probabilities(
        self,
        sample: Sample,
        maps: Maps,
        order: str,
        counts: NDArray[np.int64],
        fill: Filling,
        probe: Probe,
    ) -> dict[str, NDArray[np.float64]]:
        """Return the probability of the class that is predicted of the slice as it is.

        Args:
            sample: The slice.
            maps: Importance maps (H, W) by variant.
            order: In which pixels are masked, of `ct_importance.metrics.masking.ORDERS`.
            counts: (C,) numbers of masked pixels, 0 among them.
            fill: What takes their place.
            probe: Needs a classifier; its seed decides the order of tied pixels.

        Returns:
            (C,), by variant.

        Raises:
            InputError: If a map or a logit is not finite.
        """
        scores = scores_while_masked(sample, maps, (order,), counts, fill, probe, self.batch)
        whole = next(iter(scores.values()))[counts == 0]
        predicted = predicted_classes(whole)[0]
        return {
            variant: probe.probabilities(of_map)[:, predicted]
            for (variant, _), of_map in scores.items()
        }


class Stepwise(Masking, ABC):
    """Base of those that mask more and more pixels, step by step."""

    orders: ClassVar[tuple[str, ...]]
    """Of `ct_importance.metrics.masking.ORDERS`: in which pixels are masked."""

    step: float = Field(0.025, ge=0.001, le=1)
    """Share of the pixels masked from one point to the next; must divide 1."""
    first: tuple[float, ...] = ()
    """Shares of the pixels masked before the first step, rising, for classifiers that few pixels
    upset: where all is decided before the first step, every map looks alike. Those that are not
    below `step` are left out."""

    @field_validator("step")
    @classmethod
    def _step_divides_one(cls, step: float) -> float:
        if abs(round(1 / step) * step - 1) > 1e-9:
            near = 1 / round(1 / step)
            raise ValueError(f"1 must be a whole number of steps; the nearest is {near:.6g}")
        return step

    @field_validator("first")
    @classmethod
    def _first_shares_rise(cls, first: tuple[float, ...]) -> tuple[float, ...]:
        if any(np.diff([0, *first, 1]) <= 0):
            raise ValueError("give rising shares of the pixels, above 0 and below 1, or []")
        return first

    @property
    def steps(self) -> int:
        """Number of steps from no pixel to all pixels."""
        return round(1 / self.step)

    @property
    def early(self) -> list[float]:
        """Shares masked before the first step."""
        return [share for share in self.first if share < self.step]

    @property
    def fractions(self) -> NDArray[np.float64]:
        """Shares of the pixels masked, from 0 to 1."""
        return np.insert(np.arange(self.steps + 1) / self.steps, 1, self.early)

    def cost(self, of_map: Cost) -> Cost:
        """Return a pass per point but the two at the ends of each order, which all share.

        A map without negative values is its own absolute value and takes half of them.
        """
        variants = 2
        return Cost(forward=variants * len(self.orders) * (len(self.fractions) - 2) + 2)

    def masked_counts(self, pixels: int) -> NDArray[np.int64]:
        """Return the number of pixels masked at each of the `fractions`; halves round up.

        Args:
            pixels: Of the slice.
        """
        steps = self.steps
        counts = (2 * np.arange(steps + 1) * pixels + steps) // (2 * steps)
        early = np.floor(np.array(self.early) * pixels + 0.5).astype(int)
        return np.insert(counts, 1, early)

    @property
    def steps_in_words(self) -> str:
        """How far it is from one point to the next."""
        shares = ", ".join(f"{100 * share:g}" for share in self.early)
        first = f", after first shares of {shares} %" if shares else ""
        return f"in steps of {100 * self.step:g} % of the pixels{first}"
