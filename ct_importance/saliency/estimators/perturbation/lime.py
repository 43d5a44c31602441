"""LIME: the weights of a linear model of what the classifier answers near the slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Cost
from ct_importance.saliency.perturbation.hiding import Fill, HidingParts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ct_importance.saliency.perturbation.hiding import Ask


class Lime(HidingParts):
    """The coefficients of a weighted ridge regression of S on which parts are shown.

    Samples show each part or not with equal chance; their weight is exp(-d^2 / width^2)^(1/2), d
    the cosine distance to the whole slice, as in the authors' package. It misleads where parts act
    together, which a linear model cannot say, and with few samples: compare seeds.
    """

    title: ClassVar[str] = "LIME"
    colour: ClassVar[str] = "#4D7F17"
    dashes: ClassVar[tuple[float, ...]] = (4, 1, 2, 1)
    reference: ClassVar[str] = "Ribeiro et al. 2016, arXiv 1602.04938"

    samples: int = Field(1000, ge=2, le=100_000)
    """Variants of each slice that are asked, the slice itself among them."""
    width: float = Field(0.25, gt=0)
    """Of the kernel that says how much a sample counts."""
    penalty: float = Field(1.0, gt=0)
    """Of the squares of the coefficients (the alpha of the ridge regression)."""
    fill: Fill = 0.5
    """What takes the place of hidden pixels: black, white, a grey value from 0 to 1 (the paper
    shows grey), mean (of the slice) or blur (the slice blurred)."""

    def cost(self) -> Cost:
        """Return a pass per sample."""
        return Cost(forward=self.samples)

    def values(self, ask: Ask, parts: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the coefficient of each part, (P,)."""
        import numpy as np

        shown = generator.random((self.samples, parts)) < 0.5
        shown[0] = True
        scores = ask(shown)
        distances = 1 - np.sqrt(shown.mean(axis=1))  # cosine, between zeros and ones
        weights = np.exp(-(distances**2) / (2 * self.width**2))
        centred: NDArray[np.float64] = shown - np.average(shown, axis=0, weights=weights)
        rest = scores - np.average(scores, weights=weights)
        square = (weights[:, None] * centred).T @ centred + self.penalty * np.eye(parts)
        found: NDArray[np.float64] = np.linalg.solve(square, centred.T @ (weights * rest))
        return found
