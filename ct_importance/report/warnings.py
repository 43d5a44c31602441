"""What a reader of tables and figures must know about the classifier."""

from __future__ import annotations

from typing import Any


def model_warnings(evaluation: dict[str, Any]) -> list[str]:
    """Return warnings, in plain words, out of model/evaluation.json.

    Fidelity masks contrast slices in black and others in white, which only argues for the other
    class if the classifier answers black with "no contrast" and white with "contrast".
    """
    references, warnings = evaluation["references"], []
    for colour, agrees, assumed in (
        ("black", references["black_agrees"], "no contrast"),
        ("white", references["white_agrees"], "contrast"),
    ):
        if not agrees:
            logit = references[f"{colour}_logit"]
            warnings.append(
                f"Fidelity assumes that the classifier answers an all-{colour} image with "
                f"'{assumed}', and it does not (logit {logit:.2f}): read fidelity with care."
            )
    accuracy = evaluation["test"]["balanced_accuracy"]
    if accuracy is not None and accuracy < 0.7:
        warnings.append(
            f"The classifier is right on {accuracy:.0%} of the test slices only (mean of the "
            "classes): maps of a poor classifier explain little."
        )
    return warnings
