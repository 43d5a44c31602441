"""Noise of the grey values that the slice itself has."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ct_importance.compute.randomness import generator_for
from ct_importance.metrics.filling import Filling
from ct_importance.task import DEFAULT_TASK, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ct_importance.metrics.metric import Probe, Sample


class Noise(Filling):
    """Each pixel takes the grey value of a pixel of the slice, drawn with replacement.

    The same noise for all maps of a slice.
    """

    title: ClassVar[str] = "noise"

    def of(self, sample: Sample, probe: Probe) -> NDArray[np.float32]:
        """Return an image of noise, (H, W)."""
        assert sample.image is not None, "which the metric needs"
        generator = generator_for(probe.seed, sample.slice_id, "fill noise")
        return generator.choice(sample.image.ravel(), sample.image.shape)

    def in_words(self, task: Task = DEFAULT_TASK) -> str:
        """Return what kind of noise it is."""
        return "by noise of their own grey values"
