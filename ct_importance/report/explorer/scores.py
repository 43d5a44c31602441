"""What the metrics say of single slices, in the form the explorer's page reads."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.metrics.masking import ORDERS
from ct_importance.metrics.metric import Curves, Metric
from ct_importance.report.explorer.levels import encode_curve

Paths = Mapping[str, StrPath]
"""By estimator."""
BySlice = dict[str, dict[str, dict[str, Any]]]
"""Slice id -> estimator -> variant -> what is known of that map."""
MORE_DECIMALS = 2
"""Than a table has: the page orders slices by them."""


@dataclass
class Scores:
    """Numbers and curves of each slice, by slice, estimator and variant."""

    numbers: BySlice = field(default_factory=dict)
    """By metric: what its table would say of this slice alone."""
    curves: BySlice = field(default_factory=dict)
    """`mif` and `lif`: logits by fraction; `dsc` by percentage; each as `encode_curve` has it."""
    fractions: list[float] | None = None
    """Fractions of the pixels masked; None without fidelity."""
    percentages: list[float] | None = None
    """Displayed percentages; None without Dice."""


def first_of(metrics: Sequence[ChosenMetric], method: str) -> ChosenMetric | None:
    """Return the first entry of a method: the one whose curves are shown."""
    return next((one for one in metrics if one.method == method), None)


def read_scores(
    metrics: Sequence[ChosenMetric], points: Mapping[str, Paths], slice_ids: Collection[str]
) -> Scores:
    """Return the scores of some slices.

    Args:
        metrics: Those of the run.
        points: Tables of points by metric and estimator.
        slice_ids: The slices wanted; those that a metric leaves out lack its numbers.
    """
    scores = Scores()
    fidelity, dice = (first_of(metrics, method) for method in ("fidelity", "dice"))
    for chosen in metrics:
        metric = chosen.metric
        for estimator, path in points[chosen.name].items():
            for slice_id, variant, rows in _maps(path, metric, slice_ids):
                of_map = slice_id, estimator, variant
                value = _value(metric, rows)
                if not math.isnan(value):
                    digits = metric.decimals + MORE_DECIMALS
                    _of(scores.numbers, *of_map)[chosen.name] = round(value, digits)
                if chosen is fidelity:
                    _add_masking(scores, _of(scores.curves, *of_map), rows)
                if chosen is dice:
                    _add_dice(scores, _of(scores.curves, *of_map), rows)
    return scores


def _value(metric: Metric, rows: pd.DataFrame) -> float:
    """Return the value of one map; NaN where it has none."""
    curves = Curves(
        {name: rows[name].to_numpy() for name in metric.position_columns},
        {name: rows[name].to_numpy(float)[None] for name in metric.averaged},
    )
    with np.errstate(all="ignore"):
        return float(metric.summarise(curves)["value"][0])


def _add_masking(scores: Scores, curves: dict[str, Any], rows: pd.DataFrame) -> None:
    for order in ORDERS:
        of_order = rows[rows["order"] == order]
        scores.fractions = of_order["fraction"].tolist()
        curves[order] = encode_curve(of_order["logit"].to_numpy(), 0.01)


def _add_dice(scores: Scores, curves: dict[str, Any], rows: pd.DataFrame) -> None:
    scores.percentages = rows["percentage"].tolist()
    curves["dsc"] = encode_curve(rows["dsc"].to_numpy(), 0.001)


def _maps(
    path: StrPath, metric: Metric, slice_ids: Collection[str]
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield slice id, variant and rows of each map in a table of points."""
    wanted = [("slice_id", "in", list(slice_ids))]
    table = read_frame(path, ["slice_id", "variant", *metric.point_columns], wanted)
    for (slice_id, variant), rows in table.groupby(["slice_id", "variant"], sort=False):
        yield slice_id, variant, rows


def _of(content: BySlice, slice_id: str, estimator: str, variant: str) -> dict[str, Any]:
    known: dict[str, Any] = (
        content.setdefault(slice_id, {}).setdefault(estimator, {}).setdefault(variant, {})
    )
    return known
