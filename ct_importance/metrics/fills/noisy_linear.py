"""Noisy linear imputation, the fill of ROAD (Rong et al. 2022, arXiv 2202.00449)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from ct_importance.compute.randomness import generator_for
from ct_importance.metrics.filling import Filling
from ct_importance.metrics.fills._neighbours import impute
from ct_importance.metrics.fills.mean import mean_grey
from ct_importance.task import DEFAULT_TASK, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ct_importance.classifier.forward.runtime import Imputed
    from ct_importance.metrics.metric import Probe, Sample


class NoisyLinear(Filling):
    """Each masked pixel is the weighted mean of its eight neighbours, and a little noise.

    All masked pixels of an image are solved together; weights are 1/6 of neighbours at an edge and
    1/12 of those at a corner, and what lies outside the image has none. The noise, the same for all
    maps of a slice, keeps the shape of a mask from showing as a smooth patch. Where no pixel is
    left, the image is the mean of the slice, with that noise.
    """

    title: ClassVar[str] = "noisy linear"

    noise: float = Field(0.01, ge=0, le=1)
    """Standard deviation of the noise, of grey values from 0 (black) to 1 (white)."""

    def of(self, sample: Sample, probe: Probe) -> Imputed:
        """Return a function from masks (n, H, W) to images (n, H, W) with the masked replaced."""
        image = sample.image
        assert image is not None, "which the metric needs"
        generator = generator_for(probe.seed, sample.slice_id, "fill noisy_linear")
        noise = self.noise * generator.standard_normal(image.shape)
        mean = mean_grey(sample)

        def imputed(masks: NDArray[np.bool_]) -> NDArray[np.float32]:
            images = np.empty(masks.shape, np.float32)
            for row, masked in enumerate(masks):
                whole = impute(image, masked) if not masked.all() else np.full(image.shape, mean)
                images[row] = np.where(masked, whole + noise, image)
            return images

        return imputed

    def in_words(self, task: Task = DEFAULT_TASK) -> str:
        """Return how pixels are replaced."""
        return (
            "by noisy linear imputation (ROAD): each masked pixel is the weighted mean of its "
            f"neighbours, with noise of standard deviation {self.noise:g}"
        )
