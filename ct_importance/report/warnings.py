"""What a reader of tables and figures must know about the classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ct_importance.task import Task, grey_in_words


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
    answers = enumerate(evaluation["fills"])
    for label, answer in sorted(answers, key=lambda it: it[1]["fill"]):
        if not answer["agrees"]:
            warnings.append(
                f"Fidelity assumes that the classifier answers an all-"
                f"{grey_in_words(answer['fill'])} image with '{task.classes[1 - label]}', and it "
                f"does not (logit {answer['logit']:.2f}): read fidelity with care."
            )
    accuracy = evaluation["test"]["balanced_accuracy"]
    if accuracy is not None and accuracy < 0.7:
        warnings.append(
            f"The classifier is right on {accuracy:.0%} of the test slices only (mean of the "
            "classes): maps of a poor classifier explain little."
        )
    return warnings
