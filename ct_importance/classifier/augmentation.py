"""Data augmentation: random changes of the training slices."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from ct_importance.classifier.options import AugmentationOptions

BOX = 20
"""The largest square that is masked is one of so many in a row."""


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
    return _mask(changed, options, generator) if options.masking else changed


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


def _mask(
    images: torch.Tensor, options: AugmentationOptions, generator: torch.Generator
) -> torch.Tensor:
    """Mask scattered pixels of every other image, by chance, all of an image in one fill.

    Feature perturbation augmentation (Brocki and Chung 2023, arXiv 2303.01538).
    """
    chosen, share, white = torch.rand(3, len(images), 1, 1, 1, generator=generator)
    share = torch.where(chosen < 0.5, options.masking * share, 0.0)
    masked = torch.rand(images.shape, generator=generator) < share
    if options.masking_boxes:
        masked |= _boxes(masked, options.masking_boxes, generator)
    fill = (white < 0.5).float().to(images.device)
    if options.masking_fill == "mean":
        fill = images.mean(dim=(1, 2, 3), keepdim=True)
    return torch.where(masked.to(images.device), fill, images)


def _boxes(masked: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """Return a square around a share of the masked pixels, each of a size by chance, (N, 1, H, W).

    Sides are odd numbers of pixels.
    """
    middles = masked & (torch.rand(masked.shape, generator=generator) < share)
    largest = max(masked.shape[2:]) // (2 * BOX)
    reach = torch.randint(0, largest + 1, masked.shape, generator=generator)
    found = torch.zeros_like(masked)
    for pixels in range(1, largest + 1):
        of_size = (middles & (reach == pixels)).float()
        found |= F.max_pool2d(of_size, 2 * pixels + 1, stride=1, padding=pixels) > 0
    return found


def _uniform(count: int, generator: torch.Generator) -> torch.Tensor:
    return 2 * torch.rand(count, generator=generator) - 1
