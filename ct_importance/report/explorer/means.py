"""Mean maps of each class: what the maps of many patients have in common.

A sign that lies at the same place of each body, such as a marker burned into the slices of one
class, is hard to see in single maps, and at once in their mean.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ct_importance.report.explorer.levels import encode_image, middle_ranks
from ct_importance.report.explorer.registration import Box, Frame, into_frame
from ct_importance.report.explorer.slices import Material

SLICES_OF_A_CLASS = 300
"""At most: a mean over more hardly changes."""
ORIGINAL, ABSOLUTE = " original", " absolute"
LEAST_SHARE = 0.5
"""Of the slices that must reach to a pixel of the frame."""


def chosen_for_means(rows: Sequence[Mapping[str, Any]], answers: Mapping[str, int]) -> list[str]:
    """Return the slices that are averaged: test slices, of each answer evenly spaced ones.

    Args:
        rows: Flags of the slices that have maps.
        answers: The class that the classifier answers with, by slice id.

    Returns:
        Slice ids, in the order given; all slices count where none is a test slice.
    """
    rows = [row for row in rows if row["split"] == "test"] or list(rows)
    kept = set()
    for answer in set(answers.values()):
        ids = [row["slice_id"] for row in rows if answers[row["slice_id"]] == answer]
        count = min(len(ids), SLICES_OF_A_CLASS)
        kept |= {ids[number * len(ids) // count] for number in range(count)}
    return [row["slice_id"] for row in rows if row["slice_id"] in kept]


def registered(material: Material, boxes: Mapping[str, Box], frame: Frame) -> dict[str, np.ndarray]:
    """Return a slice and the ranks of its maps in the frame.

    Ranks, from 0 for the least to 1 for the most important pixel: so each slice counts the same,
    however large its importance, and one extreme pixel cannot outweigh all others, as it would in
    maps divided by their maximum. The mean rank of a map that knows nothing is 0.5 everywhere.

    Returns:
        `slice`, and by the name of the map and variant ("lrp original", "lrp absolute").
    """
    box = boxes[material.row["slice_id"]]
    found = {"slice": into_frame(material.row["image"], box, frame)}
    for name, importance in material.maps.items():
        original = into_frame(middle_ranks(importance), box, frame)
        found[name + ORIGINAL] = found[name + ABSOLUTE] = original
        if (importance < 0).any():
            absolute = middle_ranks(np.abs(importance))
            found[name + ABSOLUTE] = into_frame(absolute, box, frame)
    return found


def class_means(
    slices: Iterable[Mapping[str, np.ndarray]], answers: Iterable[int]
) -> dict[int, dict[str, Any]]:
    """Return the means of what was registered, by class.

    Args:
        slices: What `registered` returns of each.
        answers: The class of each.

    Returns:
        By class `slices`, how many there are, and `means` by name: (H, W), NaN where too few slices
        reach to.
    """
    sums: dict[int, dict[str, Any]] = defaultdict(lambda: defaultdict(float))
    reached: dict[int, dict[str, Any]] = defaultdict(lambda: defaultdict(float))
    counts: dict[int, int] = defaultdict(int)
    for images, answer in zip(slices, answers, strict=True):
        counts[answer] += 1
        for name, image in images.items():
            sums[answer][name] += np.nan_to_num(image)
            reached[answer][name] += np.isfinite(image)
    return {
        answer: {
            "slices": count,
            "means": {
                name: _mean(total, reached[answer][name], count)
                for name, total in sums[answer].items()
            },
        }
        for answer, count in sorted(counts.items())
    }


def _mean(total: np.ndarray, reached: np.ndarray, count: int) -> np.ndarray:
    """Return sums divided by how many slices reach to a pixel; NaN where these are too few."""
    return np.where(reached >= LEAST_SHARE * count, total / np.maximum(reached, 1), np.nan)


def pack_means(found: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the page reads: per class `label`, `slices` and `images` by name.

    Images hold bytes: 0 where there is nothing, else 1 to 255 for 0 to 1. An absolute map that is
    the original one is left out.
    """
    packed = []
    for answer, of_class in found.items():
        images = {
            name: encode_image(np.nan_to_num(1 + 254 * mean, nan=0).round().astype(np.uint8))
            for name, mean in of_class["means"].items()
        }
        kept = {
            name: text
            for name, text in images.items()
            if not name.endswith(ABSOLUTE) or text != images[name.removesuffix(ABSOLUTE) + ORIGINAL]
        }
        packed.append({"label": answer, "slices": of_class["slices"], "images": kept})
    return packed
