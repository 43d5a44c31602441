"""Ablation of segments: how the score falls when one part of the slice is hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Cost
from ct_importance.saliency.perturbation.hiding import HidingParts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ct_importance.saliency.perturbation.hiding import Ask


class SegmentAblation(HidingParts):
    """S(x) - S(x with a part filled), for every pixel of that part.

    Occlusion with windows that follow the anatomy. It misleads where several parts each suffice for
    the answer: hiding one of them changes nothing.
    """

    title: ClassVar[str] = "Segment Ablation"
    colour: ClassVar[str] = "#762A83"
    dashes: ClassVar[tuple[float, ...]] = (5, 1, 2, 1)
    reference: ClassVar[str] = "Kokhlikyan et al. 2020, arXiv 2009.07896"

    def cost(self) -> Cost:
        """Return a pass per part, and one of the slice as it is; a slice can have fewer parts."""
        return Cost(forward=self.parts + 1)

    def values(self, ask: Ask, parts: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return the fall of the score without each part, (P,)."""
        import numpy as np

        scores = ask(np.vstack([np.ones(parts, bool), ~np.eye(parts, dtype=bool)]))
        falls: NDArray[np.float64] = scores[0] - scores[1:]
        return falls
