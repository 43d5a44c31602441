"""Slices of many patients in one frame: the box around the body of each lies at the same place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import ndimage

BODY_HU = -500.0
"""Air and lung lie below, everything else of a body above."""
LEAST_BODY = 0.02
"""Of the pixels of a slice: what is smaller is no body."""
LONGER_SIDE = 128
"""Of the frame, in pixels, at most."""


class Box(NamedTuple):
    """A part of an image, in pixels."""

    top: float
    left: float
    height: float
    width: float


class Frame(NamedTuple):
    """An image of its own size, and where bodies lie in it."""

    shape: tuple[int, int]
    body: Box


def body_box(image: np.ndarray, hu_window: tuple[float, float]) -> Box:
    """Return the box around the largest connected part above -500 HU.

    Args:
        image: (H, W) in [0, 1].
        hu_window: HU of black and white. Where black is denser than -500 HU, whatever is not black
            is body.

    Returns:
        The box; that of the whole image where there is no body.
    """
    low, high = hu_window
    parts, count = ndimage.label(image > max((BODY_HU - low) / (high - low), 1 / 255))
    sizes = np.bincount(parts.ravel(), minlength=count + 1)
    sizes[0] = 0
    if sizes.max() < LEAST_BODY * image.size:
        return Box(0, 0, *image.shape)
    rows, columns = ndimage.find_objects(parts)[sizes.argmax() - 1]
    return Box(rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start)


def common_frame(boxes: Iterable[Box], shape: tuple[int, int]) -> Frame:
    """Return a frame in which bodies lie in the middle and are as large as they are in the median.

    Args:
        boxes: Around the body of each slice.
        shape: Of the slices.
    """
    reduction = max(1.0, max(shape) / LONGER_SIDE)
    rows, columns = (round(side / reduction) for side in shape)
    sizes = np.median([box[2:] for box in boxes], axis=0) / reduction
    height, width = map(float, sizes)
    return Frame((rows, columns), Box((rows - height) / 2, (columns - width) / 2, height, width))


def into_frame(image: np.ndarray, box: Box, frame: Frame) -> np.ndarray:
    """Return an image (H, W) in the frame, its body where bodies lie; NaN beyond its edges."""
    scales = np.array(box[2:]) / np.array(frame.body[2:])
    # Places are those of the centres of pixels.
    offset = np.array(box[:2]) - 0.5 + (0.5 - np.array(frame.body[:2])) * scales
    moved: np.ndarray = ndimage.affine_transform(
        image.astype(np.float32), scales, offset, frame.shape, order=1, cval=np.nan
    )
    return moved
