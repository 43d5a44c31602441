"""Divides a slice into parts that are hidden one by one or together."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ct_importance.saliency.xrai.regions import least_new_pixels

Labels = NDArray[np.int_]
"""(H, W), the part of each pixel: from 0, without gaps."""
COMPACTNESS = 0.1
"""Of superpixels: what scikit-image advises for grey images."""


def parts_of_segments(segments: NDArray[np.bool_], most: int) -> Labels:
    """Return a division out of segments that overlap.

    Segments are taken in their order, fine scales first, from the first one that leaves few enough
    parts; each gets the pixels that no other has yet, if they are as many as XRAI asks of it. What
    is left joins the nearest part.

    Args:
        segments: (K, H, W), see `ct_importance.saliency.xrai.segments.segment_image`.
        most: Most parts.
    """
    first, last = 0, len(segments)
    while first < last:
        middle = (first + last) // 2
        if _covering(segments, middle).max() < most:
            last = middle
        else:
            first = middle + 1
    return _at_most(_covering(segments, first), most)


def superpixels(image: NDArray[np.float32], most: int) -> Labels:
    """Return a division into SLIC superpixels (Achanta et al. 2012).

    Args:
        image: (H, W) in [0, 1].
        most: Most parts.
    """
    from skimage.segmentation import slic

    found = slic(image, most, COMPACTNESS, channel_axis=None, start_label=0)
    return _at_most(found, most)


def _covering(segments: NDArray[np.bool_], start: int) -> Labels:
    """Return the parts from a segment on, then those before it backwards; -1 where none is."""
    labels = np.full(segments.shape[1:], -1)
    least, number = least_new_pixels(labels.shape), 0
    for segment in _from(segments, start):
        added = segment & (labels < 0)
        if np.count_nonzero(added) >= least:
            labels[added] = number
            number += 1
            if labels.min() >= 0:
                break
    return labels


def _from(segments: NDArray[np.bool_], start: int) -> Iterable[NDArray[np.bool_]]:
    yield from segments[start:]
    yield from segments[:start][::-1]


def _at_most(labels: Labels, most: int) -> Labels:
    """Return labels of the largest parts; what is of another, or of none, joins the nearest."""
    numbers, counts = np.unique(labels[labels >= 0], return_counts=True)
    if not len(numbers):
        return np.zeros_like(labels)
    kept = numbers[np.argsort(-counts, kind="stable")[:most]]
    nearest = distance_transform_edt(
        ~np.isin(labels, kept), return_distances=False, return_indices=True
    )
    _, joined = np.unique(labels[tuple(nearest)], return_inverse=True)
    return joined.reshape(labels.shape)
