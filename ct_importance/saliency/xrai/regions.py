"""XRAI's region-wise importance, with any importance map in place of Integrated Gradients.

Kapishnikov et al. 2019, as used in section 3.3 of the paper. Equal to the reference
implementation (``saliency`` 0.2.1, ``XRAI().GetMask(..., base_attribution=...)``, full mode) up to
rounding, but incremental: each segment keeps its count and its sum of uncovered pixels. In images
below 224 x 224 a segment need not add as many pixels as there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from ct_importance.errors import InputError

REFERENCE_SHAPE = (224, 224)
"""What the lengths and areas of the reference implementation are meant for."""
MIN_NEW_PIXELS = 50
"""Of images of `REFERENCE_SHAPE` and larger."""


@dataclass(frozen=True)
class Regions:
    """A division of an image into regions of one importance each."""

    labels: NDArray[np.int_]
    """(H, W) int, the region of each pixel."""
    values: NDArray[np.float64]
    """(R,) float64, the importance of each region."""

    @property
    def heat(self) -> NDArray[np.float64]:
        """Importance of the region each pixel belongs to, (H, W) float64."""
        heat: NDArray[np.float64] = self.values[self.labels]
        return heat


def reference_share(shape: tuple[int, ...]) -> float:
    """Return the share of the reference's lengths that suits an image of this shape: at most 1.

    Example:
        >>> reference_share((512, 512)), reference_share((112, 112))
        (1.0, 0.5)
    """
    return min(1.0, math.sqrt(math.prod(shape) / math.prod(REFERENCE_SHAPE)))


def least_new_pixels(shape: tuple[int, ...]) -> int:
    """Return how many pixels a segment must add to those covered in an image of this shape.

    Example:
        >>> least_new_pixels((224, 224)), least_new_pixels((112, 112))
        (50, 12)
    """
    return max(1, round(MIN_NEW_PIXELS * reference_share(shape) ** 2))


def xrai_regions(importance: np.ndarray, segments: NDArray[np.bool_]) -> Regions:
    """Return the regions of an importance map.

    Segments are taken greedily by the mean importance over their pixels that are not covered
    yet, which get that mean; at a tie the first one wins. Segments that would add fewer than 50
    pixels (less below 224 x 224, as the area) are dropped. Pixels left over get their mean.

    Args:
        importance: (H, W), finite.
        segments: (K, H, W) bool.

    Raises:
        InputError: If the importance is not finite.

    Example:
        >>> importance = np.array([[4.0, 2.0], [1.0, 0.0]])
        >>> rows = np.array([[[True, True], [False, False]], [[False, False], [True, True]]])
        >>> xrai_regions(importance, rows).heat.tolist()
        [[3.0, 3.0], [0.5, 0.5]]
    """
    if not np.isfinite(importance).all():
        raise InputError("the importance map has values that are not finite")
    values = importance.ravel().astype(np.float64)
    if values.min() == values.max():
        # Rounding of the means must not draw regions into a map that has none.
        return Regions(np.zeros(importance.shape, int), values[:1])
    members = _members(segments)
    counts, sums = _count_and_sum(members, values)
    labels = np.empty(values.size, int)
    means_of_regions: list[float] = []
    uncovered = np.ones(values.size, bool)
    least = least_new_pixels(importance.shape)
    while (large_enough := counts >= least).any():
        means = np.divide(sums, counts, out=np.full(len(sums), -np.inf), where=large_enough)
        segment = segments[np.argmax(means)].ravel()
        added = np.flatnonzero(segment & uncovered)
        labels[added] = len(means_of_regions)
        means_of_regions.append(values[added].mean())
        uncovered[added] = False
        added_counts, added_sums = _count_and_sum(members[:, added], values[added])
        counts -= added_counts
        sums -= added_sums
    if uncovered.any():
        labels[uncovered] = len(means_of_regions)
        means_of_regions.append(values[uncovered].mean())
    return Regions(labels.reshape(importance.shape), np.array(means_of_regions))


def _members(segments: NDArray[np.bool_]) -> csc_array:
    """Return which segments (rows) hold each pixel (column)."""
    pixels = [np.flatnonzero(segment) for segment in segments]
    starts = np.cumsum([0, *map(len, pixels)])
    columns = np.concatenate(pixels)
    shape = (len(segments), segments[0].size)
    return csr_array((np.ones(len(columns), bool), columns, starts), shape=shape).tocsc()


def _count_and_sum(members: csc_array, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each segment the number of these pixels it holds, and the sum of their values.

    Adds in the order of the pixels, so that equal segments keep exactly equal sums.
    """
    segments, size = members.indices, members.shape[0]
    weights = np.repeat(values, np.diff(members.indptr))
    return np.bincount(segments, minlength=size), np.bincount(segments, weights, size)
