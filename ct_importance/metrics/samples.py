"""Reads what a metric needs of each slice, together with the slice's importance map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ct_importance.io.image_table import read_rows
from ct_importance.io.paths import StrPath
from ct_importance.io.slices import PLANTED, READERS, WHOLE, Shard, iterate_slices, join_by_slice
from ct_importance.metrics.metric import Metric, Sample
from ct_importance.saliency.xrai.storage import unpack_segments

KEYS = ("slice_id", "patient_id", "label")


def read_samples(
    metric: Metric,
    slices: StrPath,
    subsets: Sequence[str],
    maps: StrPath | None,
    segments: StrPath | None = None,
    shard: Shard = WHOLE,
) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield slices with what the metric's `needs` name of them, and their maps (H, W).

    Args:
        metric: A metric; images and masks that it does not need are not read.
        slices: The list of slices (`ct_importance.io.slices.write_slice_list`).
        subsets: Names out of `ct_importance.io.slices.SUBSETS`.
        maps: The table of the estimator's maps; None: the mask itself is the map, which the metric
            must need.
        segments: The table of segments, if the metric needs them.
        shard: The share of these slices to yield.

    Raises:
        InputError: If a table was made from other slices.
    """
    given = {"image": "image", "mask": PLANTED if metric.slices == "planted" else "mask"}
    columns = {name: column for name, column in given.items() if name in metric.needs}
    tables = [read_rows(table) for table in (maps, segments) if table]
    has_readers = columns.get("mask") == "mask"
    wanted = [*columns.values(), *([READERS] * has_readers)]
    rows = iterate_slices(slices, subsets, wanted, shard)
    for row, *others in join_by_slice(rows, *tables):
        sample = {name: row[name] for name in KEYS}
        sample |= {name: row[column] for name, column in columns.items()}
        sample["is_training"] = row["split"] == "train"
        sample["readers"] = _several(row.get(READERS))
        importance = others[0]["importance"] if maps else row["mask"].astype(np.float32)
        if segments:
            sample["segments"] = unpack_segments(others[-1]["segments"], importance.shape)
        yield Sample(**sample), importance


def _several(readers: np.ndarray | None) -> np.ndarray | None:
    """Return the masks (R, H, W) of those who marked a slice, and not all of it, if several did."""
    if readers is None:
        return None
    marked = readers[readers.any(axis=(1, 2)) & ~readers.all(axis=(1, 2))]
    return marked if len(marked) > 1 else None
