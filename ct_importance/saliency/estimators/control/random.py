"""Random importance: what a method without any knowledge scores (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator, Target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Random(Estimator):
    """A value from [0, 1) for each pixel; the classifier is not asked."""

    title: ClassVar[str] = "Random"
    colour: ClassVar[str] = "#7F7F7F"
    dashes: ClassVar[tuple[float, ...]] = (1, 1.2)
    reference: ClassVar[str] = "Brocki et al. 2022, section 2"
    is_control: ClassVar[bool] = True

    target: Target = "last"

    def cost(self) -> Cost:
        """Return nothing: no pass is taken."""
        return Cost()

    def attribute(self, batch: Batch) -> NDArray[np.float32]:
        """Return random numbers, (N, C, *space)."""
        import numpy as np

        from ct_importance.compute.randomness import generator_for

        shape = tuple(batch.images.shape[1:])
        maps = [
            generator_for(batch.seed, slice_id, batch.name).random(shape, dtype=np.float32)
            for slice_id in batch.slice_ids
        ]
        return np.stack(maps)
