"""The question that the classifier answers: its classes, and what each of them means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ct_importance.options import Options

Fill = float | Literal["mean"]
"""What hides a class: a grey value, 0 (black) to 1 (white), or the mean of the slice."""
LabelFrom = Literal["sources", "mask"]
MOST_CLASSES = 100
"""Labels are stored as int8."""
OTHER_ENDS = frozenset({"low", "high", "test"})
"""How columns of the tables of values end that are of no class."""


class Task(Options):
    """What the classifier tells apart; a label is an index into the classes."""

    classes: tuple[str, ...] = Field(
        ("no contrast", "contrast"), min_length=2, max_length=MOST_CLASSES
    )
    """Names of the classes, as tables and figures print them; of two, the classifier's one neuron
    argues for the second. A slice is of one class."""
    fill: tuple[Fill, ...] = (1.0, 0.0)
    """What hides each class: the grey value, 0 (black) to 1 (white), that fidelity puts in place of
    pixels, or the mean of the slice. Contrast agent is bright, so it is hidden by black and feigned
    by white; where no grey argues for another class, take the mean."""
    label_from: LabelFrom = "sources"
    """Where the label of a slice comes from: `labels` of its dataset, or, of two classes, its mask:
    the second class where the mask has a pixel, the first where it has none."""

    @field_validator("classes")
    @classmethod
    def _names_differ(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(map(key_of, classes))) < len(classes) or not all(map(key_of, classes)):
            raise ValueError("give each class a name of its own, of letters and digits")
        return classes

    @model_validator(mode="after")
    def _fills_every_class(self) -> Self:
        greys = [grey for grey in self.fill if grey != "mean"]
        if len(self.fill) != len(self.classes) or not all(0 <= grey <= 1 for grey in greys):
            raise ValueError(
                "fill: give a grey value from 0 to 1, or mean, for each of the classes"
            )
        return self

    @model_validator(mode="after")
    def _a_mask_tells_two_classes(self) -> Self:
        if self.label_from == "mask" and len(self.classes) > 2:
            raise ValueError(
                "label_from: a mask tells two classes apart, with it and without it, and there are "
                f"{len(self.classes)}: take sources"
            )
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """The classes as parts of the names of columns, e.g. ``no_contrast``."""
        return tuple(map(key_of, self.classes))

    @property
    def columns(self) -> tuple[str, ...]:
        """The classes as ends of the names of columns, none of which means something else.

        >>> Task(classes=("low", "middle", "high"), fill=(0.0, 0.0, 0.0)).columns
        ('class_low', 'middle', 'class_high')
        """
        return tuple(
            f"class_{key}" if key in OTHER_ENDS or key.startswith("training_") else key
            for key in self.keys
        )

    @property
    def fill_in_words(self) -> str:
        """In what the slices of each class are masked.

        >>> Task(classes=("healthy", "lesion"), fill=(1.0, 0.5)).fill_in_words
        "of class 'healthy' in white, of class 'lesion' in grey (0.5)"
        """
        return ", ".join(
            f"of class {name!r} in {grey_in_words(grey)}"
            for name, grey in zip(self.classes, self.fill, strict=True)
        )


def key_of(name: str) -> str:
    """Return the name of a class as a part of the name of a column.

    >>> key_of("No contrast")
    'no_contrast'
    """
    return re.sub(r"\W+", "_", name.casefold()).strip("_")


def grey_in_words(grey: Fill) -> str:
    """Return a grey value, 0 to 1, or the mean of a slice, as a sentence calls it.

    >>> grey_in_words(1.0), grey_in_words("mean")
    ('white', 'the mean of the slice')
    """
    if grey == "mean":
        return "the mean of the slice"
    return {0.0: "black", 1.0: "white"}.get(grey, f"grey ({grey:g})")


DEFAULT_TASK = Task()
"""The task of the paper, which is that of a configuration that names none."""


def are_of_contrast_agent(classes: Sequence[str]) -> bool:
    """Tell whether the classes are those of the paper: contrast agent is given for a whole scan."""
    return tuple(map(key_of, classes)) == DEFAULT_TASK.keys
