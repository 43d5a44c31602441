"""Blur IG: Integrated Gradients along the path from the blurred slice to the slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator, References

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from ct_importance.saliency.gradients import Sample

DIFFERENCE = 0.01
"""Of the standard deviation, in pixels, over which the change of the blurred slice is measured."""


class BlurIG(Estimator):
    """-sum_i (dS/dx)(x_i) * dx_i/ds * ds, where x_i is the slice blurred with s_i (Xu et al. 2020).

    s_i = i s / n for i = 0 to n - 1. No reference is needed: information is taken away by a
    Gaussian blur, outside of the slice being black. What is visible at every scale, as the body's
    outline, weighs much; a blurred slice can itself look like another class.
    """

    title: ClassVar[str] = "Blur IG"
    colour: ClassVar[str] = "#996515"
    dashes: ClassVar[tuple[float, ...]] = (4, 1, 1, 1)
    reference: ClassVar[str] = "Xu et al. 2020, arXiv 2004.03383"
    complete: ClassVar[str] = "S(x) - S(x with the strongest blur)"

    sigma: float = Field(50, gt=0, le=1000)
    """Standard deviation of the strongest blur, in pixels."""
    steps: int = Field(100, ge=2, le=10_000)
    """Blurred slices between it and the slice."""

    def cost(self) -> Cost:
        """Return a gradient per step."""
        return Cost(forward=self.steps, backward=self.steps)

    def references(self, batch: Batch) -> References:
        """Return each slice with the strongest blur."""
        import numpy as np
        import torch

        images = batch.images.detach().cpu().numpy().astype(np.float64)
        blurred = np.stack([_blurred(image, self.sigma) for image in images])
        return References(torch.from_numpy(blurred).to(batch.images), are_own=True)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the integral over the path, (N, C, *space)."""
        from ct_importance.saliency.gradients import mean_over_samples

        return mean_over_samples(batch, self._samples(batch), self.steps)

    def _samples(self, batch: Batch) -> Iterator[Sample]:
        import numpy as np
        import torch

        from ct_importance.saliency.gradients import Sample

        for index, image in enumerate(batch.images):
            # The difference of two blurred slices needs more digits than a slice has.
            plain = image.detach().cpu().numpy().astype(np.float64)
            for number in range(self.steps):
                sigma = number * self.sigma / self.steps
                point = _blurred(plain, sigma) if sigma else plain
                change = (_blurred(plain, sigma + DIFFERENCE) - point) / DIFFERENCE
                # The mean over the steps of this weight is the sum times the step's width.
                weight = torch.from_numpy(-self.sigma * change).to(image.device)
                yield Sample(index, torch.from_numpy(point).to(image), weight)


def _blurred(image: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return an image (C, *space) with a Gaussian blur; outside of it is black."""
    from scipy.ndimage import gaussian_filter

    axes = tuple(range(1, image.ndim))
    found: NDArray[np.float64] = gaussian_filter(image, sigma, mode="constant", axes=axes)
    return found
