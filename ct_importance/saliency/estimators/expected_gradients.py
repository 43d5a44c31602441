"""Expected Gradients: Integrated Gradients over training slices (paper, section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ct_importance.saliency.estimator import Context, EstimatorOptions, training_slices

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import torch

    from ct_importance.saliency.gradients import Sample

FOLLOWS_PREDICTION = True
NEEDS_TRAINING_SLICES = True


class Options(EstimatorOptions):
    """Options of Expected Gradients."""

    samples: int = Field(25, ge=1, le=10_000)
    """Pairs of a training slice and a point on the way from it to the image."""


def gradient_passes(options: Options) -> int:
    """Return the number of gradients of each slice."""
    return options.samples


def compute_importance(
    classifier: torch.nn.Module, images: torch.Tensor, context: Context[Options]
) -> torch.Tensor:
    """Return the mean of (x - x') * dS(x' + a (x - x'))/dx (Erion et al. 2021).

    Reference x' is a training slice drawn with replacement, a is drawn from [0, 1). Sampled here
    rather than by captum's GradientShap, whose draws depend on the batch.

    Args:
        classifier: Maps (N, 1, H, W) to S, (N,).
        images: (N, 1, H, W) in [0, 1].
        context: See `saliency.estimator.Context`; ``training_images`` are the references.

    Returns:
        Maps (N, H, W).

    Raises:
        InputError: If there are no training slices.
    """
    from ct_importance.saliency.gradients import mean_over_samples

    return mean_over_samples(
        classifier,
        images,
        _samples(images, training_slices(context), context),
        context.options.samples,
        context.images_per_pass,
    ).squeeze(1)


def _samples(
    images: torch.Tensor, references: np.ndarray, context: Context[Options]
) -> Iterator[Sample]:
    import torch

    from ct_importance.compute.randomness import generator_for
    from ct_importance.saliency.gradients import Sample

    for index, (image, slice_id) in enumerate(zip(images, context.slice_ids, strict=True)):
        generator = generator_for(context.seed, slice_id, context.name)
        chosen = generator.integers(len(references), size=context.options.samples)
        positions = generator.random(context.options.samples)
        for row, position in zip(chosen, positions.tolist(), strict=True):
            reference = torch.tensor(references[row][None], dtype=image.dtype, device=image.device)
            difference = image - reference
            yield Sample(index, reference + position * difference, difference)
