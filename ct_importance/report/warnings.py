"""What a reader of tables and figures must know about the classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ct_importance.task import Task, grey_in_words

POOR = 0.4
"""Below this share of the way from chance to 1 a balanced accuracy is poor: 0.7 of two classes."""


def model_warnings(trainings: Sequence[Mapping[str, Any]], task: Task) -> list[str]:
    """Return warnings about a classifier in plain words.

    Args:
        trainings: Content of evaluation.json of each of its trainings.
        task: What it tells apart.
    """
    return [
        f"Training {number}: {warning}" if len(trainings) > 1 else warning
        for number, evaluation in enumerate(trainings, 1)
        for warning in _warnings_of(evaluation, task)
    ]


def _warnings_of(evaluation: Mapping[str, Any], task: Task) -> list[str]:
    """Return the warnings about one training.

    What hides a class argues against it only if the classifier answers an image of it alone with
    another class.
    """
    warnings = []
    names = [f"'{name}'" for name in task.classes]
    answers = ((label, it) for label, it in enumerate(evaluation["fills"]) if it is not None)
    for label, answer in sorted(answers, key=lambda it: it[1]["fill"]):
        if not answer["agrees"]:
            others = names[1 - label] if len(names) == 2 else f"another class than {names[label]}"
            logit = f" (logit {answer['logit']:.2f})" if "logit" in answer else ""
            warnings.append(
                f"Fidelity assumes that the classifier answers an all-"
                f"{grey_in_words(answer['fill'])} image with {others}, and it "
                f"does not{logit}: read fidelity with care."
            )
    accuracy = evaluation["test"]["balanced_accuracy"]
    chance = 1 / len(names)
    if accuracy is not None and accuracy < chance + POOR * (1 - chance):
        warnings.append(
            f"The classifier is right on {accuracy:.0%} of the test slices only (mean of the "
            "classes): maps of a poor classifier explain little."
        )
    return warnings
