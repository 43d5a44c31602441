"""Options that estimators share which hide parts of a slice and ask the classifier again."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ct_importance.saliency.estimator import Estimator

Grey = Annotated[float, Field(ge=0, le=1)]
Fill = Literal["black", "white", "mean", "blur"] | Grey
"""What takes the place of a pixel: black (0), white (1), another grey value, the mean of the slice,
or the slice blurred."""


class Hiding(Estimator):
    """Base of the estimators that hide parts of a slice; they only ask the classifier."""

    fill: Fill = "black"
    """What takes the place of hidden pixels: black, white, a grey value from 0 to 1, mean (of the
    slice) or blur (the slice blurred)."""


class HidingParts(Hiding):
    """Base of the estimators that hide the parts of a division of the slice."""

    needs: ClassVar[frozenset[str]] = frozenset({"segments"})

    segments: Literal["xrai", "slic"] = "xrai"
    """Which parts: those of XRAI's segments (Felzenszwalb; the finest of its scales that has few
    enough), or SLIC superpixels."""
    parts: int = Field(50, ge=2, le=1000)
    """Most parts of a slice."""

    @property
    def wants(self) -> frozenset[str]:
        """XRAI's segments, if these are the parts."""
        return self.needs if self.segments == "xrai" else frozenset()
