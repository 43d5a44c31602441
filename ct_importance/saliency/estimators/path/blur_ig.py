"""Blur IG: Integrated Gradients along the path from the blurred slice to the slice."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from ct_importance.saliency.estimator import Batch, Cost, Estimator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

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

    sigma: float = Field(50, gt=0, le=1000)
    """Standard deviation of the strongest blur, in pixels."""
    steps: int = Field(100, ge=2, le=10_000)
    """Blurred slices between it and the slice."""

    def cost(self) -> Cost:
        """Return a gradient per step."""
        return Cost(forward=self.steps, backward=self.steps)

    def attribute(self, batch: Batch) -> torch.Tensor:
        """Return the integral over the path, (N, C, *space)."""
        from ct_importance.saliency.gradients import mean_over_samples

        return mean_over_samples(batch, self._samples(batch), self.steps)

    def _samples(self, batch: Batch) -> Iterator[Sample]:
        import numpy as np
        import torch
        from scipy.ndimage import gaussian_filter

        from ct_importance.saliency.gradients import Sample

        axes = tuple(range(1, batch.images.ndim - 1))
        for index, image in enumerate(batch.images):
            # The difference of two blurred slices needs more digits than a slice has.
            plain = image.detach().cpu().numpy().astype(np.float64)

            def blurred(sigma: float, plain: np.ndarray = plain) -> np.ndarray:
                found: np.ndarray = gaussian_filter(plain, sigma, mode="constant", axes=axes)
                return found

            for number in range(self.steps):
                sigma = number * self.sigma / self.steps
                point = blurred(sigma) if sigma else plain
                change = (blurred(sigma + DIFFERENCE) - point) / DIFFERENCE
                # The mean over the steps of this weight is the sum times the step's width.
                weight = torch.from_numpy(-self.sigma * change).to(image.device)
                yield Sample(index, torch.from_numpy(point).to(image), weight)
