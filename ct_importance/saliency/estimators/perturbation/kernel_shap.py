"""KernelSHAP: Shapley values of the parts of a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Cost
from ct_importance.saliency.perturbation.hiding import HidingParts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ct_importance.saliency.perturbation.hiding import Ask


class KernelShap(HidingParts):
    """sum over sets T of other parts of |T|! (P-|T|-1)! / P! (S(T and the part) - S(T)).

    By weighted least squares over coalitions of parts: exact where all 2^P - 2 of them fit into the
    samples, otherwise an estimate. Values sum up to S(x) - S(all filled), but the map does not:
    every pixel of a part has its value. It misleads like its fill: a part that looks like the fill
    cannot count, and coalitions are slices that no scanner makes.
    """

    title: ClassVar[str] = "KernelSHAP"
    colour: ClassVar[str] = "#B2182B"
    dashes: ClassVar[tuple[float, ...]] = (8, 1, 2, 1)
    reference: ClassVar[str] = "Lundberg and Lee 2017, arXiv 1705.07874"

    samples: int = Field(2048, ge=2, le=100_000)
    """Most coalitions of each slice that are asked."""

    def cost(self) -> Cost:
        """Return a pass per coalition, and two of all and no parts; few parts have fewer."""
        return Cost(forward=self.samples + 2)

    def values(self, ask: Ask, parts: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the Shapley value of each part, (P,)."""
        import numpy as np

        from ct_importance.saliency.perturbation.shapley import coalitions, shapley_values

        found = coalitions(parts, self.samples, generator)
        ends = np.repeat([[False], [True]], parts, axis=1)
        nothing, everything, *scores = ask(np.concatenate([ends, found[0]]))
        return shapley_values(found, np.array(scores), nothing, everything)
