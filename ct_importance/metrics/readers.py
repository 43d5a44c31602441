"""Slices that several readers marked: against each of them, and each of them against the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ct_importance.metrics.metric import Maps, Metric, Points, Probe, Sample


def evaluate_against_each(
    metric: Metric, sample: Sample, maps: Maps, probe: Probe
) -> dict[str, Points]:
    """Return the points of one slice by variant, means over the readers' masks.

    Args:
        metric: A metric; one that needs no mask sees the slice once.
        sample: The slice.
        maps: Importance maps (H, W) by variant.
        probe: What the metric needs beside them.

    Raises:
        InputError: If the slice cannot be evaluated.
    """
    if sample.readers is None or "mask" not in metric.needs:
        return metric.evaluate(sample, maps, probe)
    seen = (replace(sample, mask=mask, readers=None) for mask in sample.readers)
    return mean_points(metric, [metric.evaluate(one, maps, probe) for one in seen])


def each_against_the_others(sample: Sample) -> list[tuple[Sample, np.ndarray]]:
    """Return the mask of each reader as a map (H, W), and the slice as the others marked it.

    Args:
        sample: A slice that several readers marked.
    """
    assert sample.readers is not None, "several readers marked it"
    found = []
    for number, mask in enumerate(sample.readers):
        others = np.delete(sample.readers, number, axis=0)
        seen = replace(sample, mask=others[0], readers=others if len(others) > 1 else None)
        found.append((seen, mask.astype(np.float32)))
    return found


def mean_points(metric: Metric, several: Sequence[dict[str, Points]]) -> dict[str, Points]:
    """Return the means of what is averaged over slices, by variant; the rest is that of the first.

    Args:
        metric: Whose `mean_columns` are averaged.
        several: Points at the same positions, by variant.
    """
    return {
        variant: {
            name: np.mean([one[variant][name] for one in several], axis=0)
            if name in metric.mean_columns
            else column
            for name, column in points.items()
        }
        for variant, points in several[0].items()
    }
