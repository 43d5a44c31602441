"""A Gaussian around the centre of the slice, whatever the slice shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Centre(Estimator):
    """exp(-d^2 / (2 s^2)), with d the distance from the centre and s a share of the slice's size.

    The same map for every slice. Where masks lie in the middle, as in slices cropped around a
    tumour, it scores well: a method must surpass it to have found anything.
    """

    title: ClassVar[str] = "Centre"
    colour: ClassVar[str] = "#4D4D4D"
    dashes: ClassVar[tuple[float, ...]] = (1, 2.5)
    reference: ClassVar[str] = "Tatler 2007, doi 10.1167/7.14.4"
    is_control: ClassVar[bool] = True

    sigma: float = Field(0.25, gt=0, le=10)
    """Standard deviation, as a share of the size of the slice along each axis."""

    def cost(self) -> Cost:
        """Return nothing: no pass is taken."""
        return Cost()

    def attribute(self, batch: Batch) -> NDArray[np.float32]:
        """Return the same map for each slice, (N, C, *space)."""
        import numpy as np

        count, channels, *space = batch.images.shape
        axes = [(np.arange(size) - (size - 1) / 2) / (self.sigma * size) for size in space]
        squares = sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij"))
        importance = np.exp(-np.asarray(squares) / 2).astype(np.float32)
        return np.broadcast_to(importance, (count, channels, *space)).copy()
