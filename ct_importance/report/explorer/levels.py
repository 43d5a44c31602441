"""Importance maps, slices and regions in few bytes: a level per pixel, a value per level.

The pixels of a map are ranked and divided into levels of chosen shares, so that one image serves
the colours of both variants and their masking in order of importance. Gradients are noise from
pixel to pixel: half the resolution would lose the order. Lossy compression of the same size moves
pixels across every fraction.
"""

from __future__ import annotations

import base64
import io
import string

import numpy as np
from PIL import Image

from ct_importance.saliency.xrai.regions import Regions

MAX_LEVELS = 256
LARGEST_SHORT = 32767
SIGNS = "!#$%&'()*+,-./:;=>?@[]^_`{|}~"
ALPHABET = np.array([*string.ascii_letters, *string.digits, *SIGNS], "S1")
"""91 characters of which neither JSON nor HTML escapes any."""


def quantise(importance: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the level of each pixel and the mean importance of each level.

    Args:
        importance: (H, W), finite.
        shares: Of the levels, see `ct_importance.report.explorer.detail.Detail`, at most 256.

    Returns:
        Levels (H, W) uint8, none empty, and rising values (L,) float32. Equal pixels share a level.
    """
    flat = importance.ravel().astype(np.float64)
    levels = np.searchsorted(np.cumsum(shares)[:-1], middle_ranks(flat), side="right")
    _, levels, sizes = np.unique(levels, return_inverse=True, return_counts=True)
    values = np.bincount(levels, flat) / sizes
    return levels.reshape(importance.shape).astype(np.uint8), values.astype(np.float32)


def middle_ranks(importance: np.ndarray) -> np.ndarray:
    """Return the share of the pixels that are less important than each, equal ones half counted.

    >>> middle_ranks(np.array([[0.0, 0.0], [5.0, -1.0]]))
    array([[0.5  , 0.5  ],
           [0.875, 0.125]])
    """
    _, place, counts = np.unique(importance, return_inverse=True, return_counts=True)
    middle: np.ndarray = ((counts.cumsum() - counts / 2) / importance.size)[place]
    return middle.reshape(importance.shape)


def split_greys(image: np.ndarray, greys: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a slice as one or two bytes per pixel.

    Args:
        image: (H, W) in [0, 1].
        greys: Number of grey values, from 256 to 65536.

    Returns:
        The high bits, (H, W) uint8, and the low ones, or None where 8 bits are enough.
    """
    values = np.rint(image * (greys - 1)).astype(np.uint16)
    low = max(0, (greys - 1).bit_length() - 8)
    rest = (values & ((1 << low) - 1)).astype(np.uint8) if low else None
    return (values >> low).astype(np.uint8), rest


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
    """Return an image (H, W) uint8 as WebP in text; lossless without a quality."""
    return encode_bytes(webp(pixels, quality))


def encode_thumbnail(pixels: np.ndarray, quality: int) -> str:
    """Return an image (H, W) uint8 as WebP in Base64, as an address of data has it."""
    return base64.b64encode(webp(pixels, quality)).decode()


def webp(pixels: np.ndarray, quality: int | None = None) -> bytes:
    """Return an image (H, W) uint8 as WebP; lossless without a quality."""
    options = {"lossless": True} if quality is None else {"quality": quality}
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", **options)
    return buffer.getvalue()


def encode_values(values: np.ndarray) -> str:
    """Return numbers as little-endian float32 in text."""
    return encode_bytes(values.astype("<f4").tobytes())


def encode_curve(values: np.ndarray, step: float) -> tuple[float, str]:
    """Return numbers as a step, at least the one given, and its multiples: int16 in text."""
    largest = float(np.abs(values).max(initial=0))
    step = max(step, float(f"{1.001 * largest / LARGEST_SHORT:.4g}"))
    return step, encode_bytes(np.rint(values / step).astype("<i2").tobytes())


def encode_bytes(data: bytes) -> str:
    """Return 13 bits in two characters each: 8 % fewer than of Base64."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    groups = np.pad(bits, (0, -bits.size % 13)).reshape(-1, 13)
    numbers = groups @ (1 << np.arange(12, -1, -1))
    pairs = np.stack(np.divmod(numbers, ALPHABET.size), axis=1)
    text: bytes = ALPHABET[pairs].tobytes()
    return text.decode("ascii")
