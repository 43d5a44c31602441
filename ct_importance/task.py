"""The question that the classifier answers: its classes, and what each of them means."""

from __future__ import annotations

from pydantic import Field, field_validator

from ct_importance.options import Options


class Task(Options):
    """What the classifier tells apart; a label is an index into the classes."""

    classes: tuple[str, ...] = Field(("no contrast", "contrast"), min_length=2, max_length=2)
    """Names of the classes, as tables and figures print them; of two, the classifier's one neuron
    argues for the second."""

    @field_validator("classes")
    @classmethod
    def _names_differ(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(classes)) < len(classes) or not all(map(str.strip, classes)):
            raise ValueError("give each class a name of its own")
        return classes
