"""Data augmentation: random changes of the training slices."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from ct_importance.classifier.options import AugmentationOptions


def augment(
    images: torch.Tensor, options: AugmentationOptions, generator: torch.Generator
) -> torch.Tensor:
    """Mirror, rotate, shift, scale, re-window and mask each image by amounts of its own.

    Args:
        images: (N, 1, H, W) in [0, 1], on any device.
        options: Ranges of the changes.
        generator: A CPU generator, so that the draws are the same whatever the device.

    Returns:
        (N, 1, H, W) in [0, 1]. What comes in from outside the image is air (0).
    """
    changed = _move(images, options, generator)
    if options.intensity:
        changed = _rewindow(changed, options.intensity, generator)
    return _mask(changed, options.masking, generator) if options.masking else changed


def _move(
    images: torch.Tensor, options: AugmentationOptions, generator: torch.Generator
) -> torch.Tensor:
    count, _, height, width = images.shape
    mirrored = torch.rand(count, generator=generator) < options.flip
    angle = math.radians(options.rotation) * _uniform(count, generator)
    low, high = options.scale
    scale = low + (high - low) * torch.rand(count, generator=generator)
    # affine_grid spans [-1, 1]: a shift by the whole image is 2.
    shift_x, shift_y = (2 * options.translation * _uniform(count, generator) for _ in range(2))
    cosine, sine, sign = (
        torch.cos(angle) / scale,
        torch.sin(angle) / scale,
        1 - 2 * mirrored.float(),
    )
    aspect = height / width
    rows = [
        torch.stack([sign * cosine, -sine * aspect, shift_x], dim=1),
        torch.stack([sign * sine / aspect, cosine, shift_y], dim=1),
    ]
    grid = F.affine_grid(
        torch.stack(rows, dim=1).to(images.device), list(images.shape), align_corners=False
    )
    return F.grid_sample(images, grid, padding_mode="zeros", align_corners=False)


def _rewindow(images: torch.Tensor, intensity: float, generator: torch.Generator) -> torch.Tensor:
    gain = 1 + intensity * _uniform(len(images), generator).to(images.device)
    shift = intensity * _uniform(len(images), generator).to(images.device)
    gain, shift = gain.view(-1, 1, 1, 1), shift.view(-1, 1, 1, 1)
    return ((images - 0.5) * gain + 0.5 + shift).clamp(0, 1)


def _mask(images: torch.Tensor, masking: float, generator: torch.Generator) -> torch.Tensor:
    """Make scattered pixels of every other image, by chance, all black or all white."""
    chosen, share, white = torch.rand(3, len(images), 1, 1, 1, generator=generator)
    share = torch.where(chosen < 0.5, masking * share, 0.0)
    masked = torch.rand(images.shape, generator=generator) < share
    return torch.where(masked.to(images.device), (white < 0.5).float().to(images.device), images)


def _uniform(count: int, generator: torch.Generator) -> torch.Tensor:
    return 2 * torch.rand(count, generator=generator) - 1
