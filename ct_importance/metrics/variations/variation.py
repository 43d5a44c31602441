"""Variations of a training: what its maps are compared with by metrics of robustness and sanity.

A variation is one more cell of the grid: other weights, or other slices, and the maps of every
estimator by the same rules. A metric says which ones it asks for (`Metric.variations`); those of
equal options are made once.
"""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from pydantic import Field

from ct_importance.options import Options

Subset = Literal["test", "annotated", "annotated_test", "planted", "all"]
"""Slices a metric can be computed on; `annotated` are those with a mask, `annotated_test` are those
of test patients; `planted` are those test slices that a sign was put on, whose mask is then that of
the sign."""


class Variation(Options):
    """Maps of some slices of a training, with something changed."""

    kind: ClassVar[str]
    """Name of the folder of variations of its kind."""

    slices: Subset
    sample: int | None
    """How many of these slices at most; None: all."""

    @property
    def maps(self) -> int:
        """How many maps of each slice it takes."""
        return 1

    @property
    def chosen(self) -> str:
        """Name of the list of its slices."""
        return f"{self.slices}_{self.sample or 'all'}"

    @property
    def name(self) -> str:
        """Name of its folder."""
        own = self.model_dump(exclude={"slices", "sample"})
        parts = [f"{key}_{_text(value)}" for key, value in own.items()]
        return "-".join([*parts, self.chosen])


class Randomised(Variation):
    """The same slices, by the classifier with some of its layers re-initialised.

    Example:
        >>> Randomised(slices="test", sample=20, layers=0.5).name
        'layers_0.5-test_20'
    """

    kind: ClassVar[str] = "randomised"

    layers: float = Field(gt=0, le=1)
    """Share of the layers, from the output side."""


class Noisy(Variation):
    """Noisy copies of the slices, by the same classifier.

    Example:
        >>> Noisy(slices="test", sample=20, radii=(0.02, 0.1), copies=5).name
        'radii_0.02_0.1-copies_5-test_20'
    """

    kind: ClassVar[str] = "noisy"

    radii: tuple[float, ...] = Field(min_length=1)
    """Largest change of a pixel, a share of the range from black to white."""
    copies: int = Field(ge=1)
    """Of each slice with each radius."""

    @property
    def maps(self) -> int:
        """One of each copy."""
        return self.copies * len(self.radii)


class Toggled(Variation):
    """The same slices without the sign that was put on them, or with it, by the same classifier.

    Example:
        >>> Toggled(slices="planted", sample=None).file
        'toggled/planted.parquet'
    """

    kind: ClassVar[str] = "toggled"

    @property
    def file(self) -> str:
        """Their list, from the folder of the list of slices."""
        return f"toggled/{self.slices}.parquet"


def _text(value: object) -> str:
    values = value if isinstance(value, tuple) else (value,)
    return re.sub(r"[^\w.-]", "_", "_".join(f"{it:g}" for it in values))
