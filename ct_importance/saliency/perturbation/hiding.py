"""What estimators share that hide parts of a slice and ask the classifier again."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Estimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ask = Callable[[NDArray[np.bool_]], NDArray[np.float64]]
    """From which parts of a slice are shown, (n, P), to the score of its target, (n,)."""

Grey = Annotated[float, Field(ge=0, le=1)]
Fill = Literal["black", "white", "mean", "blur"] | Grey
"""What takes the place of a pixel: black (0), white (1), another grey value, the mean of the slice,
or the slice blurred."""


class Hiding(Estimator):
    """Base of the estimators that hide parts of a slice; they only ask the classifier."""

    fill: Fill = "black"
    """What takes the place of hidden pixels: black, white, a grey value from 0 to 1, mean (of the
    slice) or blur (the slice blurred)."""

    def attribute(self, batch: Batch) -> NDArray[np.float32]:
        """Return the map of each slice, (N, C, H, W); its channels are hidden together."""
        import numpy as np

        from ct_importance.saliency.perturbation.asking import filling

        images = np.asarray(batch.images)
        maps = [
            self.map_of(batch, row, image, filling(image, self.fill))
            for row, image in enumerate(images)
        ]
        of_channel = np.stack(maps)[:, None] / images.shape[1]
        return np.broadcast_to(of_channel, images.shape).astype(np.float32)

    @abstractmethod
    def map_of(
        self, batch: Batch, row: int, image: NDArray[np.float32], hidden: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the map (H, W) of a slice.

        Args:
            batch: The slices.
            row: Which of them.
            image: It, (C, H, W).
            hidden: What takes the place of its pixels, of that shape.
        """


class HidingParts(Hiding):
    """Base of the estimators that hide the parts of a division of the slice."""

    needs: ClassVar[frozenset[str]] = frozenset({"segments"})

    segments: Literal["xrai", "slic"] = "xrai"
    """Which parts: those of XRAI's segments (Felzenszwalb; the finest of its scales that has few
    enough), or SLIC superpixels."""
    parts: int = Field(50, ge=2, le=1000)
    """Most parts of a slice."""
    fill: Fill = "mean"
    """What takes the place of hidden pixels: black, white, a grey value from 0 to 1, mean (of the
    slice) or blur (the slice blurred)."""

    @property
    def wants(self) -> frozenset[str]:
        """XRAI's segments, if these are the parts."""
        return self.needs if self.segments == "xrai" else frozenset()

    def map_of(
        self, batch: Batch, row: int, image: NDArray[np.float32], hidden: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the map (H, W) of a slice: each pixel has the value of its part."""
        import numpy as np

        from ct_importance.compute.randomness import generator_for
        from ct_importance.saliency.perturbation.asking import answers
        from ct_importance.saliency.perturbation.parts import parts_of_segments, superpixels

        if self.segments == "xrai":
            assert batch.segments is not None, "it wants them"
            labels = parts_of_segments(batch.segments[row], self.parts)
        else:
            labels = superpixels(image.mean(axis=0), self.parts)

        def ask(shown: NDArray[np.bool_]) -> NDArray[np.float64]:
            return answers(batch, row, (np.where(it[labels], image, hidden) for it in shown))

        generator = generator_for(batch.seed, batch.slice_ids[row], batch.name)
        values: NDArray[np.float64] = self.values(ask, int(labels.max()) + 1, generator)[labels]
        return values

    @abstractmethod
    def values(self, ask: Ask, parts: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the value of each part of a slice, (P,).

        Args:
            ask: Asks the classifier.
            parts: P.
            generator: Of this slice's random numbers.
        """
