"""Sobel edges: a map of the picture alone, which no method of explanation needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SobelEdges(Estimator):
    """sqrt(gx^2 + gy^2), with gx and gy the Sobel filters of the slice along its axes.

    Gradients of many networks resemble edges (Adebayo et al. 2018): a method that does not beat
    them tells of the picture, not of the classifier.
    """

    title: ClassVar[str] = "Sobel edges"
    colour: ClassVar[str] = "#6B6B6B"
    dashes: ClassVar[tuple[float, ...]] = (4, 1.2)
    reference: ClassVar[str] = "Adebayo et al. 2018, arXiv 1810.03292"
    is_control: ClassVar[bool] = True

    def cost(self) -> Cost:
        """Return nothing: no pass is taken."""
        return Cost()

    def attribute(self, batch: Batch) -> NDArray[np.float32]:
        """Return the magnitude of the edges, (N, C, *space)."""
        import numpy as np
        from scipy.ndimage import generic_gradient_magnitude, sobel

        images = np.asarray(batch.images)
        maps = np.empty(images.shape, np.float32)
        for place in np.ndindex(images.shape[:2]):
            maps[place] = generic_gradient_magnitude(images[place], sobel)
        return maps
