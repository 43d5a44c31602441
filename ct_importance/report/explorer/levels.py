"""Importance maps and regions in few bytes, for the explorer: a level per pixel, a value per level.

The pixels of a map are ranked and divided into levels of chosen shares, so that one image serves
the colours of both variants and their masking in order of importance. Gradients are noise from
pixel to pixel: half the resolution would lose the order. Lossy compression of the same size moves
pixels across every fraction; few levels keep those at both ends apart, where maps are read.
"""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from PIL import Image

from ct_importance.saliency.xrai.regions import Regions

MAX_LEVELS = 256
# Levels on each side of the median, and the share of each in that of its neighbour nearer to it.
LADDER = (
    (128, 1.0),
    (32, 0.95),
    (16, 0.8),
    (12, 0.7),
    (8, 0.6),
    (6, 0.5),
    (5, 0.4),
    (4, 0.25),
)
BASE64_OVERHEAD = 4 / 3


def level_shares(bits: float) -> np.ndarray | None:
    """Return the finest division of pixels into levels that a number of bits per pixel allows.

    Args:
        bits: Entropy of a pixel's level, at most.

    Returns:
        Shares of the pixels, from the lowest level to the highest; they sum to 1. None if the
        coarsest division needs more bits.
    """
    for side, ratio in LADDER:
        falling = ratio ** np.arange(side)
        shares: np.ndarray = np.concatenate([falling[::-1], falling]) / (2 * falling.sum())
        if -(shares * np.log2(shares)).sum() <= bits:
            return shares
    return None


def plan_levels(shape: tuple[int, int], maps: int, budget: int) -> tuple[int, np.ndarray]:
    """Return by how much images are reduced, and the shares of the levels, for a number of maps.

    Args:
        shape: Rows and columns of a map.
        maps: Number of maps.
        budget: Bytes that all maps may take as Base64.

    Returns:
        A whole factor, 1 unless even the coarsest levels need too much; and `level_shares`.
    """
    factor = 1
    while True:
        pixels = math.prod(-(-side // factor) for side in shape)
        shares = level_shares(8 * budget / BASE64_OVERHEAD / (maps * pixels))
        if shares is not None:
            return factor, shares
        factor += 1


def quantise(importance: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the level of each pixel and the mean importance of each level.

    Args:
        importance: (H, W), finite.
        shares: See `level_shares`, at most 256.

    Returns:
        Levels (H, W) uint8, none empty, and rising values (L,) float32. Equal pixels share a level.
    """
    flat = importance.ravel().astype(np.float64)
    _, place, counts = np.unique(flat, return_inverse=True, return_counts=True)
    middle = (counts.cumsum() - counts / 2) / flat.size
    levels = np.searchsorted(np.cumsum(shares)[:-1], middle, side="right")[place]
    _, levels, sizes = np.unique(levels, return_inverse=True, return_counts=True)
    values = np.bincount(levels, flat) / sizes
    return levels.reshape(importance.shape).astype(np.uint8), values.astype(np.float32)


def rank_regions(regions: Regions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the regions of XRAI by rank: the rank of each pixel's region, values and sizes.

    Returns:
        Ranks (H, W) uint8, 0 for the least important; values (R,) float32, rising; sizes (R,) in
        pixels. Regions beyond 256 are joined with those next in rank.
    """
    values, rank = np.unique(regions.values, return_inverse=True)
    if values.size > MAX_LEVELS:
        rank = rank * MAX_LEVELS // values.size
    ranks = rank[regions.labels]
    sizes = np.bincount(ranks.ravel())
    means = np.bincount(ranks.ravel(), regions.heat.ravel()) / sizes
    return ranks.astype(np.uint8), means.astype(np.float32), sizes


def reduce_mean(image: np.ndarray, factor: int) -> np.ndarray:
    """Return an image (H, W) of the means of its blocks; blocks at the edge repeat the last row."""
    if factor == 1:
        return image
    padded = np.pad(image, [(0, -side % factor) for side in image.shape], mode="edge")
    rows, columns = (side // factor for side in padded.shape)
    means: np.ndarray = padded.reshape(rows, factor, columns, factor).mean((1, 3))
    return means


def reduce_nearest(image: np.ndarray, factor: int) -> np.ndarray:
    """Return every ``factor``-th pixel of an image (H, W), in the shape of `reduce_mean`."""
    return np.ascontiguousarray(image[::factor, ::factor])


def encode_image(pixels: np.ndarray, quality: int | None = None) -> str:
    """Return an image (H, W) uint8 as WebP in Base64; lossless without a quality."""
    options = {"lossless": True} if quality is None else {"quality": quality}
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", **options)
    return base64.b64encode(buffer.getvalue()).decode()


def encode_values(values: np.ndarray) -> str:
    """Return numbers as little-endian float32 in Base64."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
