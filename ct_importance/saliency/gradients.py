"""Gradients of the explained activation, a bounded number of images at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch

from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.device import with_less_if_needed
from ct_importance.saliency.estimator import Batch


class Sample(NamedTuple):
    """One of the points where the gradient for an image is taken."""

    image: int
    """Index of the image the sample belongs to."""
    point: torch.Tensor
    """(C, *space): where the gradient is taken."""
    weight: torch.Tensor | float = 1.0
    """Factor of the gradient, broadcast to (C, *space)."""


def in_passes(
    function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], batch: Batch
) -> torch.Tensor:
    """Apply a function to at most ``batch.images_per_pass`` images at a time.

    Args:
        function: Maps images (n, C, *space) and their targets (n,) to (n, C, *space); it is given
            leaf tensors that require a gradient, as captum wants them.
        batch: The images.

    Returns:
        (N, C, *space), detached.
    """

    def apply(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return function(images.detach().clone().requires_grad_(), targets).detach()

    size = batch.images_per_pass
    parts = zip(batch.images.split(size), batch.targets.split(size), strict=True)
    return torch.cat([with_less_if_needed(apply, *part) for part in parts])


def input_gradient(
    scores: Callable[[torch.Tensor], torch.Tensor],
    points: torch.Tensor,
    targets: torch.Tensor,
    change: Callable[[torch.Tensor], None] = lambda scores: None,
) -> torch.Tensor:
    """Return dS/dx at each point, (N, C, *space) like the points.

    Args:
        scores: Maps (N, C, *space) to the activations (N, K).
        points: (N, C, *space).
        targets: (N,): S is the activation of this class.
        change: Is given each S, (N, 1), before the pass back, to hook the operations before them.
    """

    def gradient_of(points: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        points = points.detach().requires_grad_()
        with torch.enable_grad():
            # S of an image depends on that image alone: the gradient of the sum is each one's own.
            chosen = scores(points).gather(1, targets[:, None])
            change(chosen)
            (gradient,) = torch.autograd.grad(chosen.sum(), points)
        return gradient

    return with_less_if_needed(gradient_of, points, targets)


def mean_over_samples(
    batch: Batch,
    samples: Iterable[Sample],
    samples_per_image: int,
    transform: Callable[[torch.Tensor], torch.Tensor] = lambda gradient: gradient,
) -> torch.Tensor:
    """Return for each image the mean of weight * transform(dS/dx) over its samples.

    Samples of several images share a pass. Each image's sum is taken in float64 in the order of
    its samples, so it does not depend on how they were packed.

    Args:
        batch: The images.
        samples: ``samples_per_image`` samples for each image; drawn as they are needed.
        samples_per_image: Number of samples of an image.
        transform: Maps gradients (n, C, *space) to (n, K, *space).

    Returns:
        (N, K, *space) of the dtype of the images.
    """
    totals: list[Any] = [0.0] * len(batch.images)  # tensors from the first sample on
    for chunk in in_chunks(samples, batch.images_per_pass):
        points = torch.stack([sample.point for sample in chunk])
        targets = batch.targets[[sample.image for sample in chunk]]
        gradients = transform(input_gradient(batch.scores, points, targets).double())
        for sample, gradient in zip(chunk, gradients, strict=True):
            totals[sample.image] += sample.weight * gradient
    return (torch.stack(totals) / samples_per_image).to(batch.images.dtype)
