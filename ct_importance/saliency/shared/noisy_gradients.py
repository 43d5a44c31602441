"""Gradients of noisy copies of a slice: their mean, and the mean of their squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pydantic

from ct_importance.saliency.estimator import Context, PartOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from ct_importance.saliency.gradients import Sample

MAPS = ("mean", "mean_square")


class Options(PartOptions):
    """The noise, and how often it is drawn."""

    samples: int = pydantic.Field(ge=1)
    """Noisy copies of each slice."""
    noise: float = pydantic.Field(ge=0)
    """Standard deviation of the noise, as a fraction of the range of the slice's pixels."""


def gradient_passes(options: Options) -> int:
    """Return the number of gradients of each slice."""
    return options.samples


def compute_part(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> dict[str, torch.Tensor]:
    """Return the first two moments of dS(x + N(0, s^2))/dx (Smilkov et al. 2017, section 3).

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `ct_importance.saliency.estimator.Context`.

    Returns:
        ``mean`` and ``mean_square``, each (N, H, W).
    """
    import torch

    from ct_importance.saliency.gradients import mean_over_samples

    mean, mean_square = mean_over_samples(
        classifier,
        images,
        _noisy_copies(images, context),
        context.options.samples,
        context.images_per_pass,
        lambda gradient: torch.cat([gradient, gradient**2], dim=1),
    ).unbind(1)
    return {"mean": mean, "mean_square": mean_square}


def _noisy_copies(images: torch.Tensor, context: Context[Options]) -> Iterator[Sample]:
    """Yield x + N(0, s^2) with s = noise * (max x - min x) of each image.

    Drawn here rather than by captum's NoiseTunnel, which has one s for a whole batch and draws
    that depend on it.
    """
    import torch

    from ct_importance.compute.randomness import seed_for
    from ct_importance.saliency.gradients import Sample

    # Drawn on the device: a GPU would wait for numbers that the CPU draws.
    generator = torch.Generator(images.device)
    for index, (image, slice_id) in enumerate(zip(images, context.slice_ids, strict=True)):
        generator.manual_seed(seed_for(context.seed, slice_id, context.name))
        deviation = context.options.noise * (image.max() - image.min())
        for _ in range(context.options.samples):
            normal = torch.randn(image.shape, generator=generator, device=image.device)
            yield Sample(index, image + deviation * normal)
