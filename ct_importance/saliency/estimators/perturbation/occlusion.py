"""Occlusion: how the score falls when a window hides part of the slice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from ct_importance.saliency.estimator import Batch, Cost
from ct_importance.saliency.perturbation.hiding import Fill, Hiding

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray


class Occlusion(Hiding):
    """The mean of S(x) - S(x with a window filled) over the windows that hold a pixel.

    Windows lie on a grid. It misleads where several things each suffice for the answer: hiding one
    of them changes nothing. What is smaller than a window comes out as large as one, and an edge of
    the window can itself look like a finding: compare fills.
    """

    title: ClassVar[str] = "Occlusion"
    colour: ClassVar[str] = "#8C510A"
    dashes: ClassVar[tuple[float, ...]] = (6, 1.5)
    reference: ClassVar[str] = "Zeiler and Fergus 2014, arXiv 1311.2901"

    window: float = Field(0.125, gt=0, le=1)
    """Side of the window, as a share of the side of the slice."""
    stride: float = Field(0.0625, ge=0.005, le=1)
    """How far the window moves, likewise."""
    fill: Fill = 0.5
    """What takes the place of hidden pixels: black, white, a grey value from 0 to 1 (the paper's
    square is grey), mean (of the slice) or blur (the slice blurred)."""

    @model_validator(mode="after")
    def _leaves_no_gap(self) -> Self:
        if self.stride > self.window:
            raise ValueError("stride: must be at most window, or pixels between are never hidden")
        return self

    @property
    def steps(self) -> int:
        """Places of the window along a side."""
        return math.ceil(round((1 - self.window) / self.stride, 6)) + 1

    def cost(self) -> Cost:
        """Return a pass per window, and one of the slice as it is."""
        return Cost(forward=self.steps**2 + 1)

    def map_of(
        self, batch: Batch, row: int, image: NDArray[np.float32], hidden: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the mean fall of the score, (H, W)."""
        import numpy as np

        from ct_importance.saliency.perturbation.asking import answers

        windows = list(self._windows(*image.shape[1:]))

        def variants() -> Iterator[NDArray[np.float32]]:
            yield image
            for window in windows:
                variant = image.copy()
                variant[:, *window] = hidden[:, *window]
                yield variant

        untouched, *others = answers(batch, row, variants())
        total, count = np.zeros((2, *image.shape[1:]))
        for window, score in zip(windows, others, strict=True):
            total[window] += untouched - score
            count[window] += 1
        mean: NDArray[np.float64] = total / count
        return mean

    def _windows(self, height: int, width: int) -> Iterator[tuple[slice, slice]]:
        """Yield the windows of a slice, row by row; at the far edges they are cut off."""
        for top in range(self.steps):
            for left in range(self.steps):
                yield self._side(top, height), self._side(left, width)

    def _side(self, step: int, pixels: int) -> slice:
        """Return the pixels of a side that the window covers: at least one."""
        start = min(math.floor(step * self.stride * pixels + 0.5), pixels - 1)
        end = math.floor((step * self.stride + self.window) * pixels + 0.5)
        return slice(start, max(start + 1, min(end, pixels)))
