"""The slices of the explorer with their maps and regions, each packed on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ct_importance.errors import InputError
from ct_importance.io.image_table import read_rows
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import Row, iterate_slices, join_by_slice
from ct_importance.report.explorer.detail import Detail
from ct_importance.report.explorer.levels import (
    encode_image,
    encode_thumbnail,
    encode_values,
    quantise,
    rank_regions,
    reduce_mean,
    reduce_nearest,
    split_greys,
)
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.saliency.xrai.storage import unpack_segments

LARGEST_REGION_MAP = 128
SLICE_QUALITY = 90
THUMBNAIL, THUMBNAIL_QUALITY = 64, 60
"""Pixels of its longer side, at most."""
SCALE_PERCENTILE = 99.5


@dataclass(frozen=True)
class Material:
    """One slice with all that is shown of it."""

    row: Row
    """Flags, image and mask of `ct_importance.io.slices.iterate_slices`."""
    maps: dict[str, np.ndarray]
    """Importance map (H, W) by estimator."""
    segments: bytes | None
    """Packed by `ct_importance.saliency.xrai.storage`; None without XRAI."""


def read_material(
    slices: StrPath,
    subsets: Sequence[str],
    chosen: Sequence[str],
    maps: Mapping[str, StrPath],
    segments: StrPath | None,
) -> Iterator[Material]:
    """Yield the chosen slices with their maps and segments, one at a time.

    Args:
        slices: The list of slices.
        subsets: Subsets that have maps.
        chosen: Slice ids, in the order of the list.
        maps: Table of maps by estimator.
        segments: Table of the segments of annotated slices, or None.

    Raises:
        InputError: If a table lacks a slice.
    """
    wanted = set(chosen)
    rows = iterate_slices(slices, subsets, ["image", "mask"], slice_ids=wanted)
    segment_rows = iter(read_rows(segments, slice_ids=wanted)) if segments else iter(())
    map_tables = (read_rows(path, slice_ids=wanted) for path in maps.values())
    for row, *map_rows in join_by_slice(rows, *map_tables):
        packed = None
        if segments and row["annotated"]:
            ((_, found),) = join_by_slice([row], segment_rows)
            packed = found["segments"]
        importance = [map_row["importance"] for map_row in map_rows]
        yield Material(row, dict(zip(maps, importance, strict=True)), packed)


def pack_regions(material: Material) -> dict[str, Any]:
    """Return what is kept of a slice whatever the detail.

    Returns:
        `thumbnail`, `limits` (by estimator the end of the colour scale: 99.5th percentile of |e|,
        1 if that is 0) and `regions` by estimator and variant (without XRAI empty).

    Raises:
        InputError: If a map is not finite.
    """
    image = material.row["image"]
    packed = material.segments
    segments = None if packed is None else unpack_segments(packed, image.shape)
    content: dict[str, Any] = {"thumbnail": _thumbnail(image), "limits": {}, "regions": {}}
    for estimator, importance in material.maps.items():
        if not np.isfinite(importance).all():
            raise InputError(
                f"{estimator}: the map of slice {material.row['slice_id']} has values that are not "
                "finite; delete its file in saliency/ and run again"
            )
        limit = float(np.percentile(np.abs(importance), SCALE_PERCENTILE)) or 1.0
        content["limits"][estimator] = float(f"{limit:.4g}")
        if segments is not None:
            content["regions"][estimator] = _pack_variants(importance, segments)
    return content


def pack_images(
    material: Material, detail: Detail, hu_window: tuple[float, float]
) -> dict[str, Any]:
    """Return the slice, its mask and its maps as the page reads them.

    Args:
        material: The slice.
        detail: How finely they are kept.
        hu_window: HU of black and white.

    Returns:
        `image` and `image_low` (the low bits of its grey values, or None), `mask` (or None) and
        `maps` by estimator.
    """
    mask = material.row["mask"]
    has_mask = mask is not None and mask.any()
    image = reduce_mean(material.row["image"], detail.factor)
    high, low = split_greys(image, detail.greys(hu_window))
    maps = {}
    for estimator, importance in material.maps.items():
        levels, values = quantise(reduce_mean(importance, detail.factor), detail.shares)
        maps[estimator] = {"levels": encode_image(levels), "values": encode_values(values)}
    return {
        "image": encode_image(high, SLICE_QUALITY if detail.step is None else None),
        "image_low": None if low is None else encode_image(low),
        "mask": encode_image(255 * reduce_nearest(mask, detail.factor).astype(np.uint8))
        if has_mask
        else None,
        "maps": maps,
    }


def pack_slice(
    material: Material, detail: Detail, hu_window: tuple[float, float]
) -> dict[str, Any]:
    """Return a slice as the page reads it: `pack_images` and `pack_regions`."""
    return pack_images(material, detail, hu_window) | pack_regions(material)


def _thumbnail(image: np.ndarray) -> str:
    factor = -(-max(image.shape) // THUMBNAIL)
    pixels = np.rint(255 * reduce_mean(image, factor)).astype(np.uint8)
    return encode_thumbnail(pixels, THUMBNAIL_QUALITY)


def _pack_variants(importance: np.ndarray, segments: np.ndarray) -> dict[str, Any]:
    """Return the regions of both variants; one without negative values is packed once."""
    variants = {"original": _pack_variant(importance, segments)}
    if (importance < 0).any():
        variants["absolute"] = _pack_variant(np.abs(importance), segments)
    return variants


def _pack_variant(importance: np.ndarray, segments: np.ndarray) -> dict[str, Any]:
    ranks, values, sizes = rank_regions(xrai_regions(importance, segments))
    factor = -(-max(ranks.shape) // LARGEST_REGION_MAP)
    return {
        "levels": encode_image(reduce_nearest(ranks, factor)),
        "values": encode_values(values),
        "sizes": sizes.tolist(),
    }
