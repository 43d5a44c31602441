"""Reads the scores of classes: the predicted class, how sure it is, and whether it is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ct_importance.classifier.forward.runtime import Answers
from ct_importance.classifier.source import Head


def predicted_classes(scores: Answers) -> NDArray[np.int64]:
    """Return the class with the highest score, (N,); of equal ones the first.

    Example:
        >>> predicted_classes(np.array([[-2.0, 2.0], [0.0, 0.0]])).tolist()
        [1, 0]
    """
    found: NDArray[np.int64] = scores.argmax(axis=1)
    return found


def logits(scores: Answers) -> Answers:
    """Return what argues for the second of two classes, (N,): above 0, it is predicted.

    Of a single logit z, whose scores are (-z, z), that is z to the last bit.

    Example:
        >>> logits(np.array([[-2.0, 2.0], [1.0, 4.0]])).tolist()
        [2.0, 1.5]
    """
    found: Answers = np.float32(0.5) * (scores[:, 1] - scores[:, 0])
    return found


def margins(scores: Answers, label: int) -> Answers:
    """Return by how much the score of a class exceeds the highest of the others, (N,).

    Example:
        >>> margins(np.array([[1.0, 4.0, 2.0]]), label=1).tolist()
        [2.0]
    """
    others = np.delete(scores, label, axis=1)
    found: Answers = scores[:, label] - others.max(axis=1)
    return found


def probabilities(scores: Answers, head: Head) -> NDArray[np.float64]:
    """Return the probability of each class, (N, K), as `Classifier.probabilities` does.

    Args:
        scores: (N, K).
        head: How they come about: of `multilabel`, probabilities have any sum.
    """
    exact = scores.astype(np.float64)
    if head != "softmax":
        with np.errstate(over="ignore"):  # of -1000, say, the probability is 0
            return 1 / (1 + np.exp(-exact))
    powers = np.exp(exact - exact.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return found


def class_accuracies(
    predicted: np.ndarray, labels: np.ndarray, classes: int = 2
) -> list[float | None]:
    """Return how often the classifier is right on slices of each class; None without slices.

    Args:
        predicted: (N,) classes.
        labels: (N,) classes.
        classes: How many there are.
    """
    right = np.asarray(predicted) == np.asarray(labels)
    members = [np.asarray(labels) == label for label in range(classes)]
    return [float(right[member].mean()) if member.any() else None for member in members]


def balanced_accuracy(predicted: np.ndarray, labels: np.ndarray, classes: int = 2) -> float:
    """Return the mean of the accuracies of the classes present (paper, section 4.1).

    Args:
        predicted: (N,) classes.
        labels: (N,) classes.
        classes: How many there are.

    Returns:
        A value in [0, 1]; NaN without labels.

    Example:
        >>> balanced_accuracy(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]))
        0.75
    """
    found = class_accuracies(predicted, labels, classes)
    rates = [rate for rate in found if rate is not None]
    return float(np.mean(rates)) if rates else float("nan")
