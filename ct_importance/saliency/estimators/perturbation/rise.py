"""RISE: the mean of random masks, weighted by what the classifier answers behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost
from ct_importance.saliency.perturbation.hiding import Hiding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Rise(Hiding):
    """1 / (N p) sum_{i=1..N} S(x * M_i) M_i over smooth random masks M_i of which p is shown.

    It misleads with few masks: what the classifier answers to every masked slice alike is then left
    as a pattern of the masks. Cells limit how small a thing can be seen, and slices with half of
    their pixels hidden are none that the classifier was trained on.
    """

    title: ClassVar[str] = "RISE"
    colour: ClassVar[str] = "#01665E"
    dashes: ClassVar[tuple[float, ...]] = (5, 1, 1, 1, 1, 1)
    reference: ClassVar[str] = "Petsiuk et al. 2018, arXiv 1806.07421"

    masks: int = Field(4000, ge=1, le=100_000)
    """Random masks of each slice (the paper's N)."""
    cells: int = Field(7, ge=1, le=100)
    """Cells of a mask along each side (the paper's h and w)."""
    probability: float = Field(0.5, gt=0, lt=1)
    """Probability of a cell to be shown (the paper's p)."""

    def cost(self) -> Cost:
        """Return a pass per mask."""
        return Cost(forward=self.masks)

    def map_of(
        self, batch: Batch, row: int, image: NDArray[np.float32], hidden: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the weighted mean of the masks, (H, W)."""
        import numpy as np

        from ct_importance.compute.chunks import in_chunks
        from ct_importance.compute.randomness import generator_for
        from ct_importance.saliency.perturbation.asking import answers
        from ct_importance.saliency.perturbation.random_masks import random_masks

        height, width = image.shape[1:]
        generator = generator_for(batch.seed, batch.slice_ids[row], batch.name)
        drawn = random_masks(generator, self.masks, self.cells, self.probability, (height, width))
        total = np.zeros((height, width))
        for masks in in_chunks(drawn, batch.images_per_pass):
            scores = answers(batch, row, (hidden + mask * (image - hidden) for mask in masks))
            for score, mask in zip(scores, masks, strict=True):
                total += score * mask
        return total / (self.masks * self.probability)
