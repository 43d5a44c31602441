"""Averages the maps of noisy copies of slices, for any estimator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ct_importance.compute.randomness import generator_for
from ct_importance.saliency.estimator import Batch, Smooth


def mean_over_copies(smooth: Smooth, batch: Batch, explain: Callable[[Batch], Any]) -> Any:
    """Return the mean of the maps of x + N(0, s^2), or of their squares.

    s is the noise times the range of each slice's pixels (Smilkov et al. 2017, section 3). What the
    estimator itself draws at random, it draws anew for each copy.

    Args:
        smooth: How many copies, how noisy, and to which power.
        batch: The slices, tensors or arrays.
        explain: Returns the maps (N, C, *space) of a batch.

    Returns:
        (N, C, *space), like the images.
    """
    total: Any = 0.0
    for number in range(smooth.samples):
        name = f"{batch.name} copy {number}"
        images: Any = batch.images + _noise(smooth.noise, name, batch)
        total = total + explain(replace(batch, name=name, images=images)) ** smooth.power
    return total / smooth.samples


def _noise(share: float, name: str, batch: Batch) -> Any:
    """Return the noise of each image, of the kind that the images are."""
    images: Any = batch.images
    drawn = [
        generator_for(batch.seed, slice_id, name).standard_normal(image.shape, dtype=np.float32)
        * np.float32(share * float(image.max() - image.min()))
        for slice_id, image in zip(batch.slice_ids, images, strict=True)
    ]
    noise = np.stack(drawn)
    if isinstance(images, np.ndarray):
        return noise
    import torch

    return torch.from_numpy(noise).to(images)
