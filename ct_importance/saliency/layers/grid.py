"""Where the outputs of layers lie in a slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F


class Grid(NamedTuple):
    """How the places of an output lie in an image."""

    rows: int
    columns: int
    before: int = 0
    """Tokens that stand before those of places: the class token, or none."""

    @property
    def places(self) -> int:
        """How many there are."""
        return self.rows * self.columns


def grid_of(output: Sequence[int], image: Sequence[int]) -> Grid | None:
    """Return how an output lies in an image, or None if it shows no places.

    Args:
        output: Shape of an output: (N, channels, rows, columns), or (N, tokens, channels) of which
            the first token may be that of the class, as in ViT (Dosovitskiy et al. 2021).
        image: Shape of the images, (N, C, H, W).

    Example:
        >>> grid_of((1, 2048, 7, 7), (1, 1, 224, 224))
        Grid(rows=7, columns=7, before=0)
        >>> grid_of((1, 197, 768), (1, 1, 224, 224))
        Grid(rows=14, columns=14, before=1)
        >>> grid_of((1, 2048, 1, 1), (1, 1, 224, 224)), grid_of((1, 12, 197, 64), (1, 1, 224, 224))
        (None, None)
    """
    height, width = image[-2:]
    if len(output) == 4:
        _, _, rows, columns = output
        # Sizes of maps keep the proportions of the image, but for rounding.
        alike = abs(rows / height - columns / width) <= 2 / min(height, width)
        return Grid(rows, columns) if rows * columns > 1 and alike else None
    if len(output) == 3:
        for before in (1, 0):
            places = output[1] - before
            rows = round((places * height / width) ** 0.5)
            if places > 1 and rows * round(places / rows) == places:
                return Grid(rows, places // rows, before)
    return None


def as_maps(output: torch.Tensor, grid: Grid) -> torch.Tensor:
    """Return an output, or its gradient, as maps (N, channels, rows, columns)."""
    if output.dim() == 4:
        return output
    tokens = output[:, grid.before :].transpose(1, 2)
    return tokens.reshape(len(output), -1, grid.rows, grid.columns)


def upsampled(maps: torch.Tensor, image: Sequence[int]) -> torch.Tensor:
    """Return maps (N, rows, columns) in the grid of the images, (N, 1, H, W).

    Bilinear, with ``align_corners=False``: a place covers its share of the image, as a pixel does.
    What a network resizes slices to plays no part, since both grids cover the whole slice.
    """
    height, width = image[-2:]
    return F.interpolate(maps[:, None], (height, width), mode="bilinear", align_corners=False)
