"""Fidelity: how the answer falls as pixels are masked by importance (section 3.1, Table 1)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from ct_importance.classifier.forward.answers import logits, margins, predicted_classes
from ct_importance.metrics.catalogue.faithfulness._masking import Stepwise
from ct_importance.metrics.filling import Fill
from ct_importance.metrics.fills.by_class import ByClass
from ct_importance.metrics.masking import ORDERS, scores_while_masked
from ct_importance.metrics.metric import Curves, Maps, Points, Probe, Sample
from ct_importance.task import DEFAULT_TASK, Task

ANSWERS = {
    "accuracy": ("correct", "accuracy (mean of the classes)"),
    "probability": ("probability", "the probability of the slice's own class"),
    "logit": ("margin", "the logit of the slice's own class"),
}
"""Column of the points and words of each answer."""


class Fidelity(Stepwise):
    """F = AUC(LiF) - AUC(MiF): how much sooner the most important pixels take the answer away.

    MiF(t) and LiF(t) are the balanced accuracy (or another answer) when the share t of the pixels
    is masked, the most or the least important first. It misleads where masked slices are unlike any
    that the classifier has seen, so that it fails whichever pixels are masked: compare fills, and
    see where the accuracy of random maps falls. Over fills, either curve alone ranks methods
    differently, and their difference agrees (Bluecher et al. 2024, arXiv 2401.06654).
    """

    title: ClassVar[str] = "Fidelity"
    unit: ClassVar[str] = "F × 10"
    decimals: ClassVar[int] = 1
    higher_is_better: ClassVar[bool] = True
    reference: ClassVar[str] = "Brocki et al. 2022, section 3.1"
    chance: ClassVar[float | None] = 0.0
    table: ClassVar[str] = "table1_fidelity"
    orders: ClassVar[tuple[str, ...]] = ORDERS
    reading: ClassVar[frozenset[str]] = frozenset({"answer"})
    point_columns: ClassVar[dict[str, str]] = {
        "order": "string",
        "fraction": "float64",
        "logit": "float32",
        "correct": "bool",
        "margin": "float32",
        "probability": "float32",
    }
    position_columns: ClassVar[tuple[str, ...]] = ("order", "fraction")
    mean_columns: ClassVar[tuple[str, ...]] = ("correct", "margin", "probability")

    fill: Fill = ByClass()
    """What takes the place of masked pixels: by_class, the grey value of the slice's own class
    (`task.fill`), constant, mean, blur, noise or noisy_linear (ROAD). With options: `{method: blur,
    sigma: 0.1}`."""
    answer: Literal["accuracy", "probability", "logit"] = "accuracy"
    """What falls: the accuracy, the probability of the slice's own class, or its logit (of more
    than two classes its margin over the next). Entries that differ in nothing else share their
    passes."""

    @property
    def averaged(self) -> tuple[str, ...]:
        """Whether the class is predicted, and the answer."""
        return tuple(dict.fromkeys(("correct", ANSWERS[self.answer][0])))

    @property
    def heading(self) -> str:
        """What its table shows."""
        return f"Fidelity F × 10: area between the LiF and MiF {self.answer} curves"

    @property
    def coverage(self) -> str:
        """How often intervals of accuracies held the truth; of other answers it is not known."""
        if self.answer != "accuracy":
            return ""
        return (
            "94.4 % (15 and 15 patients of the classes), 96.5 % (5 and 25) and, where curves have "
            "a plateau, 91.9 %"
        )

    def evaluate(self, sample: Sample, maps: Maps, probe: Probe) -> dict[str, Points]:
        """Return the classifier's logits as pixels are masked, by variant.

        Args:
            sample: The slice.
            maps: Importance maps (H, W) by variant.
            probe: Needs classifier and fill; its seed decides the order of tied pixels.

        Returns:
            By variant: ``order`` ("mif", "lif"), ``fraction`` in [0, 1] of the pixels masked,
            ``logit`` of the second of two classes, of more the margin of the slice's own
            (`ct_importance.classifier.forward.answers.margins`), ``correct``: whether the class of
            the slice is predicted, and of that class ``margin``: that logit, its sign turned where
            it argues for the other of two classes, and ``probability``.

        Raises:
            InputError: If a map or a logit is not finite.
        """
        assert sample.image is not None, "which the metric needs"
        counts = self.masked_counts(sample.image.size)
        scores = scores_while_masked(sample, maps, ORDERS, counts, self.fill, probe, self.batch)
        return {
            variant: self._points(
                np.concatenate([scores[variant, order] for order in ORDERS]), sample.label, probe
            )
            for variant in maps
        }

    def _points(self, scores: np.ndarray, label: int, probe: Probe) -> Points:
        """Return the points of one variant from its scores, (orders x fractions, K)."""
        two = scores.shape[1] == 2
        logit = logits(scores) if two else margins(scores, label)
        fractions = self.fractions
        return {
            "order": np.repeat(ORDERS, len(fractions)),
            "fraction": np.tile(fractions, len(ORDERS)),
            "logit": logit,
            "correct": predicted_classes(scores) == label,
            "margin": -logit if two and label == 0 else logit,
            "probability": probe.probabilities(scores)[:, label].astype(np.float32),
        }

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return the fidelity: the area between the LiF and the MiF curve.

        Args:
            curves: Means of the classes (of one, if there are slices of one only), as masking goes
                on.

        Returns:
            ``value`` (10 F, as in Table 1), ``fidelity`` (F; of accuracies and probabilities in
            [-1, 1]), ``mif_area`` and ``lif_area`` (trapezoid over the fraction; of accuracies and
            probabilities in [0, 1], of logits relative to that of the slice as it is), ``accuracy``
            with no pixel masked and ``first_accuracy`` after the first step (mean of both orders),
            each (B,).
        """
        order, fraction = curves.positions["order"], curves.positions["fraction"]
        answer, accuracy = self._answers(curves), curves.means["correct"]
        mif, lif = (
            np.trapezoid(answer[:, order == wanted], fraction[order == wanted]) for wanted in ORDERS
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

    def _answers(self, curves: Curves) -> np.ndarray:
        """Return the averaged answer at each position, (B, K)."""
        column, _ = ANSWERS[self.answer]
        found = curves.means[column]
        if self.answer == "logit":
            start = curves.positions["fraction"] == 0
            found = found - found[:, start].mean(axis=1, keepdims=True)
        return found

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the curves of Figure 4: the answer by order and fraction, under its name."""
        return Curves(curves.positions, {self.answer: self._answers(curves)})

    def describe(self, task: Task = DEFAULT_TASK) -> str:
        """Return how fidelity is computed with these options."""
        _, words = ANSWERS[self.answer]
        return (
            f"Fidelity is model-centric: how fast {words} falls when the "
            "most important pixels are masked, against when the least important are, "
            f"{self.steps_in_words}. Slices are masked "
            f"{self.fill.in_words(task)}. Importance by chance must come out at 0."
        )
