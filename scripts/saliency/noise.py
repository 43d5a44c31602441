"""Noisy copies of slices, shared by the SmoothGrad estimators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn

from scripts.randomness import generator_for
from scripts.saliency.contract import Context
from scripts.saliency.gradients import Sample, mean_over_samples


def mean_over_noise(
    classifier: nn.Module,
    images: torch.Tensor,
    context: Context,
    transform: Callable[[torch.Tensor], torch.Tensor] = lambda gradient: gradient,
) -> torch.Tensor:
    """Return for each image the mean of transform(dS(x + N(0, s^2))/dx), (N, H, W).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: Its options have ``noise`` and ``samples``.
        transform: Applied to each gradient before averaging.
    """
    options = context.options
    noisy = noisy_samples(
        images,
        context.slice_ids,
        context.seed,
        context.estimator,
        options.noise,
        options.samples,
    )
    return mean_over_samples(
        classifier, images, noisy, options.samples, context.images_per_pass, transform
    )


def noisy_samples(
    images: torch.Tensor,
    slice_ids: Sequence[str],
    seed: int,
    estimator: str,
    noise: float,
    samples: int,
) -> Iterator[Sample]:
    """Yield x + N(0, s^2) with s = noise * (max x - min x) of each image (Smilkov et al. 2017).

    Drawn here rather than by captum's NoiseTunnel, which has one s for a whole batch and draws
    that depend on it.

    Args:
        images: (N, 1, H, W).
        slice_ids: One per image.
        seed: Seed of the run.
        estimator: Name of the estimator's entry in config.yaml.
        noise: Standard deviation as a fraction of the range of the image.
        samples: Copies of each image.
    """
    for index, (image, slice_id) in enumerate(zip(images, slice_ids, strict=True)):
        generator = generator_for(seed, slice_id, estimator)
        deviation = noise * (image.max() - image.min())
        for _ in range(samples):
            normal = torch.from_numpy(generator.standard_normal(image.shape, dtype=np.float32))
            yield Sample(index, image + deviation * normal.to(image))
