"""Classifiers whose reasons are known: each class has a place, and its score is how bright that is.

Of one logit, of two outputs and of three classes; with slices, and with the map that is the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import nn

from ct_importance.classifier.classifier import classifier_of
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.metrics.evaluate import evaluate_slice
from ct_importance.metrics.metric import Metric, Probe, Sample
from tests.metrics.summary import summarise_points
from tests.saliency.networks import overlapping_blocks

SIZE = 32
PLACES = (np.s_[4:12, 4:12], np.s_[20:28, 18:26], np.s_[4:12, 20:28])
"""Of each class, 8 x 8 pixels."""
GAIN = 12.0
"""Score of a place that is white."""
OUTPUTS = {"one_logit": 1, "two_logits": 2, "three_classes": 3}
"""Of the network, by the name of the setting."""


class BrightPlaces(nn.Module):
    """A score per class: the mean brightness of its place, times `GAIN`."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.weights = torch.from_numpy(weights_of(max(outputs, 2))).float()
        self.outputs = outputs
        self.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores = torch.einsum("nhw,khw->nk", images[:, 0], self.weights)
        return scores[:, 1:] - scores[:, :1] if self.outputs == 1 else scores


def weights_of(classes: int) -> np.ndarray:
    """Return the weight of each pixel for the score of each class, (classes, SIZE, SIZE)."""
    weights = np.zeros((classes, SIZE, SIZE))
    for label in range(classes):
        weights[label][PLACES[label]] = GAIN / 64
    return weights


@dataclass(frozen=True)
class Setting:
    """A classifier, and slices of all its classes, all of which it gets right."""

    probe: Probe
    samples: list[Sample]
    truths: list[np.ndarray]
    """What each pixel adds to the score of the slice's class: the truth, exactly."""


def setting(outputs: int, slices: int = 12) -> Setting:
    """Return a classifier with these outputs, and slices of its classes in turns."""
    classes = max(outputs, 2)
    forward = TorchForward(classifier_of(BrightPlaces(outputs), outputs, None).network)
    weights, segments = weights_of(classes), overlapping_blocks(SIZE, SIZE)
    if classes == 2:  # each argues against the other
        weights = weights - weights[::-1]
    samples, truths = [], []
    for index in range(slices):
        label = index % classes
        generator = np.random.default_rng(index)
        image = 0.3 * generator.random((SIZE, SIZE))
        image[PLACES[label]] += 0.5
        mask = np.zeros((SIZE, SIZE), bool)
        mask[PLACES[label]] = True
        one = Sample(
            *(f"slice {index}", f"patient {index}", label, image.astype(np.float32)),
            *(mask, segments),
        )
        samples.append(one)
        truths.append((weights[label] * one.image).astype(np.float32))
    return Setting(Probe(0, forward, (0.0,) * classes), samples, truths)


def like_noise(truths: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield maps by chance, each as strong as the truth."""
    for index, truth in enumerate(truths):
        noise = np.random.default_rng([1, index]).standard_normal(truth.shape)
        yield (noise * np.linalg.norm(truth) / np.linalg.norm(noise)).astype(np.float32)


def points_of(metric: Metric, known: Setting, maps: Iterable[np.ndarray]) -> pd.DataFrame:
    """Return the table of points of an estimator with these maps, as they are.

    Raises:
        InputError: If the metric is not defined for one of them.
    """
    frames = [
        pd.DataFrame(
            {"slice_id": one.slice_id, "patient_id": one.patient_id, "label": one.label}
            | {"variant": "original"}
            | evaluate_slice(metric, one, importance, known.probe)["original"]
        )
        for one, importance in zip(known.samples, maps, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)


def value_of(metric: Metric, known: Setting, maps: Iterable[np.ndarray]) -> float:
    """Return the table's value of that estimator; raises what `points_of` does."""
    return float(summarise_points(metric, points_of(metric, known, maps))["value"][0])
