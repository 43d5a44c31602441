"""Finds which part of a scan is chest, by the air in the lungs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

import numpy as np

from scripts.cohort.dicom_file import RejectedFile, check_permission
from scripts.cohort.options import BodyRegionOptions
from scripts.cohort.plan import spaced_indices
from scripts.cohort.reading import read_slice
from scripts.cohort.slice_entry import SliceEntry, series_of
from scripts.parallel import process_pool
from scripts.progress import progress

logger = logging.getLogger(__name__)

LUNG_HU = (-950.0, -500.0)
"""Aerated lung; the gas of the bowel and the air around the patient are below."""
COARSE_MM = 4.0
"""Distance of the pixels that are looked at: enough to weigh areas."""

Region = tuple[float, float]
"""Lowest and highest position (mm) of the chest."""


def find_chests(
    entries: Sequence[SliceEntry], options: BodyRegionOptions, workers: int = 1
) -> dict[tuple[str, str], Region | None]:
    """Return the part of each series that shows lung; None where no slice does.

    Args:
        entries: The slices, in reading order.
        options: What counts as lung, and how many slices of a series are looked at.
        workers: Processes that read slices.
    """
    series = series_of(entries)
    find = partial(find_chest, options=options)
    if workers > 1 and len(series) > 1:
        with process_pool(workers) as pool:
            regions = list(progress(pool.map(find, series.values()), "chest: series", len(series)))
    else:
        regions = [find(slices) for slices in progress(series.values(), "chest: series")]
    return dict(zip(series, regions, strict=True))


def find_chest(slices: Sequence[SliceEntry], options: BodyRegionOptions) -> Region | None:
    """Return the lowest and the highest position of the longest run of slices that show lung.

    Slices that cannot be read are passed over.

    Args:
        slices: A series by position.
        options: What counts as lung, and how many slices are looked at.

    Raises:
        OSError, MemoryError: If a slice may not be read, or disk or memory failed.
    """
    probed = [slices[i] for i in spaced_indices(len(slices), min(options.probes, len(slices)), 1.0)]
    run: list[float] = []
    longest: list[float] = []
    for entry in probed:
        try:
            hounsfield = read_slice(entry.path, entry.frame)
        except RejectedFile as reason:
            check_permission(entry.path, reason)
            continue
        step = [max(1, round(COARSE_MM / spacing)) for spacing in entry.spacing]
        shows_lung = lung_share(hounsfield[:: step[0], :: step[1]]) >= options.lung_air
        run = [*run, entry.position] if shows_lung else []
        longest = max(longest, run, key=len)
    return (longest[0], longest[-1]) if longest else None


def lung_share(hounsfield: np.ndarray) -> float:
    """Return which share of the body's area is aerated lung, in [0, 1].

    The body is the largest piece above -500 HU, with its holes filled.

    Args:
        hounsfield: Slice (rows, columns) in HU.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(hounsfield > LUNG_HU[1])
    if not count:
        return 0.0
    largest = np.argmax(np.bincount(pieces.ravel())[1:]) + 1
    body = ndimage.binary_fill_holes(pieces == largest)
    lung = body & (hounsfield >= LUNG_HU[0]) & (hounsfield <= LUNG_HU[1])
    return float(lung.sum() / body.sum())
