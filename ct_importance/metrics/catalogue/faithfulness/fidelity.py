"""Fidelity: how the accuracy falls as pixels are masked by importance (section 3.1, Table 1)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from ct_importance.classifier.forward.answers import logits, margins, predicted_classes
from ct_importance.compute.randomness import generator_for
from ct_importance.errors import InputError
from ct_importance.metrics.metric import Category, Curves, Maps, Metric, Points, Probe, Sample
from ct_importance.saliency.estimator import Cost
from ct_importance.task import DEFAULT_TASK, Task

ORDERS = ("mif", "lif")
"""Most important pixels first, least important pixels first."""


class Fidelity(Metric):
    """F = AUC(LiF) - AUC(MiF): how much sooner the most important pixels take the accuracy away.

    MiF(t) and LiF(t) are the balanced accuracy when the share t of the pixels is masked, the most
    or the least important first. It misleads where masked slices are unlike any that the classifier
    has seen, so that it fails whichever pixels are masked: compare fills, and see where the
    accuracy of random maps falls.
    """

    title: ClassVar[str] = "Fidelity"
    unit: ClassVar[str] = "F × 10"
    decimals: ClassVar[int] = 1
    higher_is_better: ClassVar[bool] = True
    category: ClassVar[Category] = "faithfulness"
    reference: ClassVar[str] = "Brocki et al. 2022, section 3.1"
    chance: ClassVar[float | None] = 0.0
    needs: ClassVar[frozenset[str]] = frozenset({"classifier", "image"})
    table: ClassVar[str] = "table1_fidelity"
    heading: ClassVar[str] = "Fidelity F × 10: area between the LiF and MiF accuracy curves"
    coverage: ClassVar[str] = (
        "94.4 % (15 and 15 patients of the classes), 96.5 % (5 and 25) and, where curves have a "
        "plateau, 91.9 %"
    )
    balanced: ClassVar[bool] = True
    point_columns: ClassVar[dict[str, str]] = {
        "order": "string",
        "fraction": "float64",
        "logit": "float32",
        "correct": "bool",
    }
    position_columns: ClassVar[tuple[str, ...]] = ("order", "fraction")
    mean_columns: ClassVar[tuple[str, ...]] = ("correct",)

    step: float = Field(0.025, ge=0.001, le=1)
    """Share of the pixels masked from one point to the next; must divide 1."""
    first: tuple[float, ...] = ()
    """Shares of the pixels masked before the first step, rising, for classifiers that few pixels
    upset: where all is decided before the first step, every map looks alike. Those that are not
    below `step` are left out."""
    batch: int | None = Field(None, ge=1, le=10_000)
    """Images per pass through the classifier; null for as many as suit the device."""

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
    def fractions(self) -> np.ndarray:
        """Shares of the pixels masked, from 0 to 1."""
        return np.insert(np.arange(self.steps + 1) / self.steps, 1, self.early)

    def cost(self, of_map: Cost) -> Cost:
        """Return a pass per point but the two at the ends of both orders, which all share.

        A map without negative values is its own absolute value and takes half of them.
        """
        variants = 2
        return Cost(forward=variants * len(ORDERS) * (len(self.fractions) - 2) + 2)

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the classifier's logits as pixels are masked, by variant.

        Args:
            sample: The slice.
            maps: Importance maps (H, W) by variant.
            probe: Needs classifier and fill; its seed decides the order of tied pixels.

        Returns:
            By variant: ``order`` ("mif", "lif"), ``fraction`` in [0, 1] of the pixels masked,
            ``logit`` of the second of two classes, of more the margin of the slice's own
            (`ct_importance.classifier.forward.answers.margins`), and ``correct``: whether the class
            of the slice is predicted.

        Raises:
            InputError: If a map or a logit is not finite.
        """
        assert sample.image is not None, "which the metric needs"
        fractions = self.fractions
        counts = masked_counts(sample.image.size, self)
        ranks = {}
        ties = generator_for(probe.seed, sample.slice_id, "fidelity ties")
        tie_order = ties.permutation(sample.image.size)
        for variant, importance in maps.items():
            for order, rank in rank_pixels(importance, tie_order).items():
                ranks[variant, order] = rank
        scores = _masked_scores(sample, np.stack(list(ranks.values())), counts, probe, self.batch)
        if not np.isfinite(scores).all():
            raise InputError("the classifier gave a logit that is not finite; check its weights")
        by_order = dict(zip(ranks, scores, strict=True))
        return {
            variant: _points(
                np.stack([by_order[variant, order] for order in ORDERS]), fractions, sample.label
            )
            for variant in maps
        }

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the fidelity: the area between the LiF and the MiF curve.

        Args:
            curves: Mean of the accuracies of the classes (of one, if there are slices of one only),
                as masking goes on.

        Returns:
            ``value`` (10 F, as in Table 1), ``fidelity`` (F, in [-1, 1]), ``mif_area`` and
            ``lif_area`` (trapezoid over the fraction, in [0, 1]), ``accuracy`` with no pixel masked
            and ``first_accuracy`` after the first step (mean of both orders), each (B,).
        """
        order, fraction = curves.positions["order"], curves.positions["fraction"]
        accuracy = curves.means["correct"]
        mif, lif = (
            np.trapezoid(accuracy[:, order == wanted], fraction[order == wanted])
            for wanted in ORDERS
        )
        start, first = (accuracy[:, fraction == at].mean(axis=1) for at in np.unique(fraction)[:2])
        return {
            "value": 10 * (lif - mif),
            "fidelity": lif - mif,
            "mif_area": mif,
            "lif_area": lif,
            "accuracy": start,
            "first_accuracy": first,
        }

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the curves of Figure 4: ``accuracy`` by order and fraction."""
        return Curves(curves.positions, {"accuracy": curves.means["correct"]})

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how fidelity is computed with these options."""
        shares = ", ".join(f"{100 * share:g}" for share in self.early)
        first = f", after first shares of {shares} %" if shares else ""
        return (
            "Fidelity is model-centric: how fast accuracy (mean of the classes) falls when the "
            "most important pixels are masked, against when the least important are, in steps of "
            f"{100 * self.step:g} % of the pixels{first}. Slices are masked "
            f"{task.fill_in_words}. Importance by chance must come out at 0."
        )


def masked_counts(pixels: int, fidelity: Fidelity) -> np.ndarray:
    """Return the number of pixels masked at each of the ``fractions``; halves round up."""
    steps = fidelity.steps
    counts = (2 * np.arange(steps + 1) * pixels + steps) // (2 * steps)
    return np.insert(counts, 1, np.floor(np.array(fidelity.early) * pixels + 0.5).astype(int))


def rank_pixels(importance: np.ndarray, tie_order: np.ndarray) -> dict[str, np.ndarray]:
    """Return when each pixel is masked, for both orders.

    Args:
        importance: (H, W), finite.
        tie_order: Permutation of the H * W pixels; of equally important ones, the earlier here
            is masked earlier in both orders, so that a constant map scores exactly 0.

    Returns:
        By order: (H, W) int32, 0 for the pixel masked first.

    Raises:
        InputError: If the importance is not finite.
    """
    if not np.isfinite(importance).all():
        raise InputError("the importance map has values that are not finite")
    shuffled = importance.ravel()[tie_order]
    ranks = {}
    for order, key in (("mif", -shuffled), ("lif", shuffled)):
        rank = np.empty(shuffled.size, np.int32)
        rank[tie_order[np.argsort(key, kind="stable")]] = np.arange(shuffled.size)
        ranks[order] = rank.reshape(importance.shape)
    return ranks


def _points(scores: np.ndarray, fractions: np.ndarray, label: int) -> Points:
    """Return the points of one variant from its scores (orders, fractions, K)."""
    flat = scores.reshape(-1, scores.shape[-1])
    return {
        "order": np.repeat(ORDERS, len(fractions)),
        "fraction": np.tile(fractions, len(ORDERS)),
        "logit": logits(flat) if flat.shape[1] == 2 else margins(flat, label),
        "correct": predicted_classes(flat) == label,
    }


def _masked_scores(
    sample: Sample, ranks: np.ndarray, counts: np.ndarray, probe: Probe, batch: int | None
) -> np.ndarray:
    """Return the scores of the image with each order's first pixels masked.

    Args:
        sample: The slice.
        ranks: (R, H, W) when each pixel is masked.
        counts: (C,) numbers of masked pixels, from none to all.
        probe: Classifier and fill.
        batch: Images per pass; None for as many as suit the device.

    Returns:
        (R, C, K) float32.
    """
    classifier = probe.classifier
    assert sample.image is not None, "which the metric needs"
    assert classifier is not None, "which the metric needs"
    # The untouched and the fully masked image are the same in every order: one pass serves all.
    shared = (counts == 0) | (counts == sample.image.size)
    jobs = np.array(
        [(0, counts[0]), (0, counts[-1])]
        + [(order, count) for order in range(len(ranks)) for count in counts[~shared]]
    )
    fill = probe.fill[sample.label]
    if fill == "mean":
        fill = float(sample.image.mean(dtype=np.float64))
    scores = classifier.masked_scores(sample.image, ranks, jobs, fill, batch)
    classes = scores.shape[1]
    table = np.empty((len(ranks), len(counts), classes), np.float32)
    table[:, counts == 0] = scores[0]
    table[:, counts == sample.image.size] = scores[1]
    table[:, ~shared] = scores[2:].reshape(len(ranks), -1, classes)
    return table
