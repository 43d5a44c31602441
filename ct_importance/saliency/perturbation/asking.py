"""Asks a classifier for variants of a slice, a bounded number at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ct_importance.compute.chunks import in_chunks
from ct_importance.saliency.estimator import Batch
from ct_importance.saliency.perturbation.hiding import Fill

Image = NDArray[np.float32]
BLUR = 10 / 224
"""Standard deviation of the blur, as a share of the side of a slice."""


def filling(image: Image, fill: Fill) -> Image:
    """Return what takes the place of each pixel of an image (C, H, W), of that shape.

    Example:
        >>> filling(np.array([[[0.0, 1.0, 0.5]]], np.float32), "mean").tolist()
        [[[0.5, 0.5, 0.5]]]
    """
    if fill == "blur":
        from scipy.ndimage import gaussian_filter

        deviation = BLUR * math.sqrt(math.prod(image.shape[1:]))
        blurred: Image = gaussian_filter(image, deviation, axes=(1, 2), mode="nearest")
        return blurred
    greys = {"black": 0.0, "white": 1.0, "mean": float(image.mean(dtype=np.float64))}
    return np.full_like(image, greys[fill] if isinstance(fill, str) else fill)


def answers(batch: Batch, row: int, variants: Iterable[Image]) -> NDArray[np.float64]:
    """Return the score of a slice's target for each of its variants, (n,).

    The variants of each slice are asked by themselves: an answer never depends on other slices.

    Args:
        batch: The slices, as arrays.
        row: Which slice.
        variants: Images (C, H, W), drawn as they are needed.
    """
    scores: Any = batch.scores
    target = int(batch.targets[row])
    found = [
        scores(np.stack(chunk))[:, target] for chunk in in_chunks(variants, batch.images_per_pass)
    ]
    return np.concatenate(found).astype(np.float64)
