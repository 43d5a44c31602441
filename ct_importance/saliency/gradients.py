"""Gradients of the explained activation, a bounded number of images at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import torch
from torch import nn

from ct_importance.compute.device import with_less_if_needed


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

    def apply(part: torch.Tensor) -> torch.Tensor:
        return function(part.detach().clone().requires_grad_()).detach()

    parts = [with_less_if_needed(apply, part) for part in images.split(size)]
    return torch.cat(parts).squeeze(1)


def input_gradient(classifier: nn.Module, points: torch.Tensor) -> torch.Tensor:
    """Return dS/dx at each point, (N, 1, H, W) like the points."""

    def gradient_of(part: torch.Tensor) -> torch.Tensor:
        part = part.detach().requires_grad_()
        with torch.enable_grad():
            # S of an image depends on that image alone: the gradient of the sum is each one's own.
            (gradient,) = torch.autograd.grad(classifier(part).sum(), part)
        return gradient

    return with_less_if_needed(gradient_of, points)


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
        transform: Maps gradients (n, 1, H, W) to (n, K, H, W).

    Returns:
        (N, K, H, W) of the dtype of the images.
    """
    totals: list[torch.Tensor | float] = [0.0] * len(images)
    for chunk in _chunks(samples, images_per_pass):
        points = torch.stack([sample.point for sample in chunk])
        gradients = transform(input_gradient(classifier, points).double())
        for sample, gradient in zip(chunk, gradients, strict=True):
            totals[sample.image] += sample.weight * gradient
    return (torch.stack(totals) / samples_per_image).to(images.dtype)


def _chunks(samples: Iterable[Sample], size: int) -> Iterator[list[Sample]]:
    iterator = iter(samples)
    while chunk := list(islice(iterator, size)):
        yield chunk
