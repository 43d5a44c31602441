"""Finds which part of a scan is chest, by the air in the lungs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ct_importance.cohort.extraction import read_slice
from ct_importance.cohort.jobs import ChestJob
from ct_importance.cohort.options import BodyRegionOptions
from ct_importance.cohort.plan.spacing import spaced_indices
from ct_importance.cohort.rejection import RejectedFile, check_permission
from ct_importance.cohort.slice_entry import SliceEntry, read_index, series_of
from ct_importance.compute.progress import progress
from ct_importance.compute.workers import safe_map
from ct_importance.io.image_table import write_table
from ct_importance.io.paths import StrPath

logger = logging.getLogger(__name__)

LUNG_HU = (-950.0, -500.0)
"""Aerated lung; the gas of the bowel and the air around the patient are below."""
COARSE_MM = 4.0
"""Distance of the pixels that are looked at: enough to weigh areas."""
SCHEMA = pa.schema(
    [
        ("patient_id", pa.string()),
        ("series_uid", pa.string()),
        ("lowest_position", pa.float64()),
        ("highest_position", pa.float64()),
        ("positions", pa.list_(pa.float64())),
        ("lung_shares", pa.list_(pa.float64())),
    ]
)


@dataclass(frozen=True)
class Chest:
    """Which part of a series is chest."""

    region: tuple[float, float] | None
    """Lowest and highest position (mm) of the chest; None where no slice shows lung."""
    shares: dict[float, float]
    """Position (mm) of each slice that was looked at -> its share of lung (`lung_share`)."""


def write_chests(job: ChestJob, index: StrPath, chests: StrPath, workers: int = 1) -> None:
    """Write which part of each series is chest.

    Args:
        job: What counts as lung.
        index: The index of the cohort.
        chests: The table to write: a row per series, and what was looked at of it. Positions in mm.
        workers: Processes that read slices.
    """
    found = find_chests(read_index(index), job.options, workers)
    columns = {
        "patient_id": [patient_id for patient_id, _ in found],
        "series_uid": [series_uid for _, series_uid in found],
        "lowest_position": [it.region and it.region[0] for it in found.values()],
        "highest_position": [it.region and it.region[1] for it in found.values()],
        "positions": [list(it.shares) for it in found.values()],
        "lung_shares": [list(it.shares.values()) for it in found.values()],
    }
    write_table(chests, SCHEMA, columns)
    without = sum(it.region is None for it in found.values())
    logger.info("%d series, %d of them without lung", len(found), without)


def find_chests(
    entries: Sequence[SliceEntry], options: BodyRegionOptions, workers: int = 1
) -> dict[tuple[str, str], Chest]:
    """Return the part of each series that shows lung.

    Args:
        entries: The slices, in reading order.
        options: What counts as lung, and how many slices of a series are looked at.
        workers: Processes that read slices.
    """
    series = series_of(entries)
    find = partial(find_chest, options=options)
    # A slice may crash a library: of its series each is then looked at in a process of its own.
    find_alone = partial(find_chest, options=options, share_of=_share_alone)
    found = safe_map(find, list(series.values()), find_alone, workers)
    chests = list(progress(found, "chest: series", len(series)))
    return dict(zip(series, chests, strict=True))


def _share_of(entry: SliceEntry) -> float | None:
    """Return the share of lung of a slice; None if it cannot be read."""
    try:
        hounsfield = read_slice(entry.path, entry.frame)
    except RejectedFile as reason:
        check_permission(entry.path, reason)
        return None
    step = [max(1, round(COARSE_MM / spacing)) for spacing in entry.spacing]
    return lung_share(hounsfield[:: step[0], :: step[1]])


def _share_alone(entry: SliceEntry) -> float | None:
    return next(safe_map(_share_of, [entry], lambda _: None))


def find_chest(
    slices: Sequence[SliceEntry],
    options: BodyRegionOptions,
    share_of: Callable[[SliceEntry], float | None] = _share_of,
) -> Chest:
    """Return the longest run of slices that show lung.

    Neighbours that show at least half as much are taken along: infiltrates leave little air.
    Slices that cannot be read are passed over.

    Args:
        slices: A series by position.
        options: What counts as lung, and how many slices are looked at.
        share_of: Returns the share of lung of a slice, None to pass it over.

    Raises:
        OSError, MemoryError: If a slice may not be read, or disk or memory failed.
    """
    shares: dict[float, float] = {}
    for index in spaced_indices(len(slices), min(options.probes, len(slices)), 1.0):
        share = share_of(slices[index])
        if share is not None:
            shares[slices[index].position] = share
    runs = (
        list(run)
        for is_lung, run in groupby(shares, lambda it: shares[it] >= options.lung_air / 2)
        if is_lung
    )
    chests = (run for run in runs if max(shares[it] for it in run) >= options.lung_air)
    longest = max(chests, key=len, default=None)
    return Chest((longest[0], longest[-1]) if longest else None, shares)


def lung_share(hounsfield: np.ndarray) -> float:
    """Return which share of the body's area is aerated lung, in [0, 1].

    Args:
        hounsfield: Slice (rows, columns) in HU.
    """
    body, lung = body_and_lung(hounsfield)
    return float(lung.sum() / body.sum()) if body.any() else 0.0


def body_and_lung(hounsfield: np.ndarray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which pixels are body, and which of them aerated lung.

    The body is the largest piece above -500 HU, with its holes filled. Lung is at least three
    pixels wide in it: at the edges of the bowel's gas there are the same values, but narrow.

    Args:
        hounsfield: Slice (rows, columns) in HU.

    Returns:
        Body and lung, (rows, columns) each.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(hounsfield > LUNG_HU[1])
    if not count:
        return pieces > 0, pieces > 0
    largest = np.argmax(np.bincount(pieces.ravel())[1:]) + 1
    body = ndimage.binary_fill_holes(pieces == largest)
    aerated = body & (hounsfield >= LUNG_HU[0]) & (hounsfield <= LUNG_HU[1])
    return body, ndimage.binary_opening(aerated, np.ones((3, 3)))
