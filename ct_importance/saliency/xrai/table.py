"""Writes the segments of slices, which estimators and metrics share."""

from __future__ import annotations

import pyarrow as pa

from ct_importance.compute.chunks import in_chunks
from ct_importance.compute.progress import progress
from ct_importance.compute.workers import process_pool
from ct_importance.errors import InputError
from ct_importance.io.image_table import TableWriter
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import count_slices, iterate_slices
from ct_importance.saliency.jobs import SegmentJob
from ct_importance.saliency.xrai.segments import segment_and_pack

SCHEMA = pa.schema([("slice_id", pa.string()), ("segments", pa.binary())])
SLICES_PER_GROUP = 8


def write_segments(job: SegmentJob, slices: StrPath, segments: StrPath, workers: int) -> None:
    """Write the segments of each slice.

    Args:
        job: Which slices.
        slices: The list of slices.
        segments: The table to write.
        workers: Number of processes.

    Raises:
        InputError: If there is no such slice.
    """
    rows = iterate_slices(slices, job.subsets, ["image"])
    ids_and_images = ((row["slice_id"], row["image"]) for row in rows)
    total = count_slices(slices, job.subsets)
    if not total:
        raise InputError(
            "no slice has a mask, and the metric dice needs them: set `masks` in cohort.datasets, "
            "or leave the metrics roc and dice out (null in the configuration)"
        )
    with process_pool(workers) as pool, TableWriter(segments, SCHEMA) as writer:
        # Group by group: a pool would read all slices at once to hand them out.
        groups = in_chunks(ids_and_images, SLICES_PER_GROUP)
        for group in progress(groups, "segments: groups of slices", -(-total // SLICES_PER_GROUP)):
            slice_ids, packed = zip(*pool.map(segment_and_pack, group), strict=True)
            writer.write({"slice_id": slice_ids, "segments": packed})
