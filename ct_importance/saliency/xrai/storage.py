"""Packs segments into bytes, eight pixels in each, and reads them from their table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from ct_importance.errors import InputError
from ct_importance.io.image_table import read_rows
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row, join_by_slice


def pack_segments(segments: NDArray[np.bool_]) -> bytes:
    """Return segments (K, H, W) bool as bytes, eight pixels in one; each segment starts anew."""
    return np.packbits(segments.reshape(len(segments), -1), axis=1).tobytes()


def unpack_segments(data: bytes, shape: tuple[int, ...]) -> NDArray[np.bool_]:
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


def read_segments(
    rows: Iterable[Row], table: StrPath, shape: tuple[int, ...]
) -> Iterator[NDArray[np.bool_]]:
    """Yield the segments (K, H, W) of each slice.

    Args:
        rows: Rows with a slice_id, in the order of the table.
        table: The table of segments; it holds these slices, and perhaps others.
        shape: (H, W) of a slice.

    Raises:
        InputError: If the table lacks a slice, or was made from slices of another shape.
    """
    for _, row in join_by_slice(rows, read_rows(table)):
        yield unpack_segments(row["segments"], shape)
