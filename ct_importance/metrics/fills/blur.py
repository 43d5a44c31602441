"""The slice, blurred."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from ct_importance.metrics.filling import Filling
from ct_importance.task import DEFAULT_TASK, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ct_importance.metrics.metric import Probe, Sample


class Blur(Filling):
    """The pixels of the slice behind a Gaussian blur: no edge comes in, and no detail stays."""

    title: ClassVar[str] = "blur"

    sigma: float = Field(0.045, gt=0, le=1)
    """Standard deviation of the Gaussian, as a share of the side of the slice: 0.045 are 10 of 224
    pixels."""

    def of(self, sample: Sample, probe: Probe) -> NDArray[np.float32]:
        """Return the blurred slice, (H, W); at its edges, the outermost pixels go on."""
        from scipy.ndimage import gaussian_filter

        assert sample.image is not None, "which the metric needs"
        deviation = self.sigma * np.sqrt(sample.image.size)
        blurred: NDArray[np.float32] = gaussian_filter(sample.image, deviation, mode="nearest")
        return blurred

    def in_words(self, task: Task = DEFAULT_TASK) -> str:
        """Return how much it is blurred."""
        return (
            "by their own blurred pixels (Gaussian, standard deviation "
            f"{100 * self.sigma:.3g} % of the side)"
        )
