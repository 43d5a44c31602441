"""Signs of known place that are put on slices, so that it is known what a classifier can use.

Each sign is a function of a slice in Hounsfield units, and of random numbers of that slice alone;
what it has changed is its mask. Three can be found by a map (Sun et al. 2023, arXiv 2307.12344).
Two are negative controls that change every pixel, and have the body for a mask: no map can say
where they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ct_importance.cohort.body_region import body_and_lung
from ct_importance.cohort.options import NODULES, WITHOUT_PLACE, SignName
from ct_importance.cohort.phantom.nodules import with_nodule
from ct_importance.compute.randomness import generator_for

Image = NDArray[np.float32]
Put = Callable[[Image, float, np.random.Generator], Image]
"""From a slice (rows, columns) in HU, the size of a pixel in mm and random numbers to the slice
with the sign; the slice itself where there is no place for it."""

MARKER_MM, MARKER_HU = 36.0, 1500.0
LINE_MM, LINE_WIDTH_MM, LINE_HU = 60.0, 2.0, 2500.0
OFFSET_HU = 40.0
KERNEL_MM = 1.5
VESSEL_MM = 10.0
"""Widest vessel that counts as a part of the lung."""


@dataclass(frozen=True)
class Planted:
    """A slice with a sign."""

    hu: Image
    """(rows, columns)."""
    mask: NDArray[np.bool_]
    """(rows, columns): the pixels that the sign has changed, of a control those that are body; none
    where it has no place."""


def plant(hu: Image, sign: SignName, spacing: float, seed: int, slice_id: str) -> Planted:
    """Return a slice with a sign.

    Args:
        hu: (rows, columns) in Hounsfield units.
        sign: Of `SIGNS`.
        spacing: Size of a pixel, mm.
        seed: Of the run; with the slice it decides the place, that of a marker alone.
        slice_id: The slice.

    Example:
        >>> plant(np.zeros((64, 64), np.float32), "marker", 4.0, 0, "slice-7").mask.sum()
        np.int64(81)
    """
    image = np.asarray(hu, np.float32)
    whose = () if sign in ALIKE else (slice_id,)
    changed = SIGNS[sign](image, spacing, generator_for(seed, *whose, "sign", sign))
    mask = changed != image
    return Planted(changed, mask & body_and_lung(image)[0] if sign in WITHOUT_PLACE else mask)


def marker(hu: Image, spacing: float, rng: np.random.Generator) -> Image:
    """Burn a square into a corner, as a letter that tells the side; brighter than any bone.

    All slices have it in the same corner, as those of one workplace do.
    """
    side = max(1, round(MARKER_MM / spacing))
    changed, margin = hu.copy(), max(1, min(hu.shape) // 32)
    rows, columns = (
        slice(margin, margin + side) if first else slice(size - margin - side, size - margin)
        for size, first in zip(hu.shape, rng.random(2) < 0.5, strict=True)
    )
    changed[rows, columns] = MARKER_HU
    return changed


def line(hu: Image, spacing: float, rng: np.random.Generator) -> Image:
    """Draw a straight bright line, as a wire of metal, around a place in the middle half."""
    angle = rng.uniform(0, np.pi)
    centre = [size * rng.uniform(0.25, 0.75) for size in hu.shape]
    down = (np.arange(hu.shape[0]) - centre[0])[:, None] * spacing
    right = (np.arange(hu.shape[1]) - centre[1])[None] * spacing
    along = np.abs(np.sin(angle) * down + np.cos(angle) * right)
    across = np.abs(np.cos(angle) * down - np.sin(angle) * right)
    inside = (along <= LINE_MM / 2) & (across <= max(LINE_WIDTH_MM, spacing) / 2)
    return np.where(inside, np.float32(LINE_HU), hu)


def nodule(hu: Image, spacing: float, rng: np.random.Generator) -> Image:
    """Draw a solid nodule into the lung, if it has room for it."""
    lung = lung_of(hu, spacing).astype(np.float32)
    return with_nodule(hu, lung, NODULES[1], spacing, rng).hu


def lung_of(hu: Image, spacing: float) -> NDArray[np.bool_]:
    """Return which pixels are lung by their Hounsfield units, vessels in it included."""
    _, aerated = body_and_lung(hu)
    if not aerated.any():
        return aerated
    near: NDArray[np.bool_] = distance_transform_edt(~aerated) * spacing <= VESSEL_MM / 2
    closed: NDArray[np.bool_] = distance_transform_edt(near) * spacing > VESSEL_MM / 2
    return closed | aerated


def offset(hu: Image, spacing: float, rng: np.random.Generator) -> Image:
    """Add the same to every pixel, as a scanner that is not calibrated."""
    return hu + np.float32(OFFSET_HU)


def kernel(hu: Image, spacing: float, rng: np.random.Generator) -> Image:
    """Blur the slice, as a smoother kernel of reconstruction does."""
    blurred: Image = gaussian_filter(hu, KERNEL_MM / spacing, mode="nearest")
    return blurred


SIGNS: Mapping[str, Put] = {it.__name__: it for it in (marker, line, nodule, offset, kernel)}
"""By name."""
ALIKE = frozenset({"marker"})
"""Signs that all slices have at the same place."""
