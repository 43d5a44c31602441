"""Gradients of the explained activation, a bounded number of images at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import torch
from torch import nn


class Sample(NamedTuple):
    """One of the points where the gradient for an image is taken."""

    image: int
    """Index of the image the sample belongs to."""
    point: torch.Tensor
    """(1, H, W): where the gradient is taken."""
    weight: torch.Tensor | float = 1.0
    """Factor of the gradient, broadcast to (1, H, W)."""


def in_passes(
    function: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, size: int
) -> torch.Tensor:
    """Apply a function to at most ``size`` images at a time.

    Args:
        function: Maps (n, 1, H, W) to (n, 1, H, W); it is given leaf tensors that require a
            gradient, as captum wants them.
        images: (N, 1, H, W).
        size: Most images in one call.

    Returns:
        (N, H, W), detached.
    """
    parts = [function(part.detach().clone().requires_grad_()) for part in images.split(size)]
    return torch.cat([part.detach() for part in parts]).squeeze(1)


def input_gradient(classifier: nn.Module, points: torch.Tensor) -> torch.Tensor:
    """Return dS/dx at each point, (N, 1, H, W) like the points."""
    points = points.detach().requires_grad_()
    with torch.enable_grad():
        # S of an image depends on that image alone: the gradient of the sum is each one's own.
        (gradient,) = torch.autograd.grad(classifier(points).sum(), points)
    return gradient


def mean_over_samples(
    classifier: nn.Module,
    images: torch.Tensor,
    samples: Iterable[Sample],
    samples_per_image: int,
    images_per_pass: int,
    transform: Callable[[torch.Tensor], torch.Tensor] = lambda gradient: gradient,
) -> torch.Tensor:
    """Return for each image the mean of weight * transform(dS/dx) over its samples.

    Samples of several images share a pass. Each image's sum is taken in float64 in the order of
    its samples, so it does not depend on how they were packed.

    Args:
        classifier: Maps (n, 1, H, W) to S, (n,).
        images: (N, 1, H, W), for their number, shape and device.
        samples: ``samples_per_image`` samples for each image; drawn as they are needed.
        samples_per_image: Number of samples of an image.
        images_per_pass: Most samples in one forward and backward pass.
        transform: Applied to the gradients, elementwise.

    Returns:
        (N, H, W) of the dtype of the images.
    """
    total = torch.zeros(images.shape, dtype=torch.float64, device=images.device)
    for chunk in _chunks(samples, images_per_pass):
        points = torch.stack([sample.point for sample in chunk])
        gradients = transform(input_gradient(classifier, points).double())
        for sample, gradient in zip(chunk, gradients, strict=True):
            total[sample.image] += sample.weight * gradient
    return (total / samples_per_image).to(images.dtype).squeeze(1)


def _chunks(samples: Iterable[Sample], size: int) -> Iterator[list[Sample]]:
    iterator = iter(samples)
    while chunk := list(islice(iterator, size)):
        yield chunk
