"""What a reader of tables and figures must know about the classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ct_importance.task import Task, grey_in_words


def model_warnings(evaluation: Mapping[str, Any], task: Task) -> list[str]:
    """Return warnings, in plain words, out of model/evaluation.json.

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
