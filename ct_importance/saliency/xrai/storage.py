"""Packs segments into bytes, eight pixels in each, and unpacks them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ct_importance.errors import InputError


def pack_segments(segments: NDArray[np.bool_]) -> bytes:
    """Return segments (K, H, W) bool as bytes, eight pixels in one; each segment starts anew."""
    return np.packbits(segments.reshape(len(segments), -1), axis=1).tobytes()


def unpack_segments(data: bytes, shape: tuple[int, int]) -> np.ndarray:
    """Return the segments (K, H, W) bool that `pack_segments` made of an image of this shape.

    Raises:
        InputError: If the bytes are not segments of this shape.

    Example:
        >>> segments = np.array([[[True, False, True]], [[False, True, False]]])
        >>> unpack_segments(pack_segments(segments), (1, 3)).astype(int).tolist()
        [[[1, 0, 1]], [[0, 1, 0]]]
    """
    pixels = shape[0] * shape[1]
    width = (pixels + 7) // 8
    if len(data) % width:
        raise InputError(
            f"{len(data)} bytes are no segments of shape {shape}: their table was made from other "
            "slices; delete it and run again"
        )
    packed = np.frombuffer(data, np.uint8).reshape(-1, width)
    return np.unpackbits(packed, axis=1, count=pixels).view(bool).reshape(-1, *shape)
