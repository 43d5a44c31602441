"""What the metrics say of single slices, in the form the explorer's page reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame
from ct_importance.metrics.masking import ORDERS

Paths = Mapping[str, StrPath]
BySlice = dict[str, dict[str, dict[str, Any]]]
"""Slice id -> estimator -> variant -> what is known of that map."""


@dataclass
class Scores:
    """Numbers and curves of each slice, by slice, estimator and variant."""

    numbers: BySlice = field(default_factory=dict)
    """`auc`, `dsc` (highest) at `dsc_percentage`, `fidelity` (10 F of the slice alone)."""
    curves: BySlice = field(default_factory=dict)
    """`mif` and `lif`: logits by fraction, to two decimals; `dsc` by percentage, in thousandths."""
    fractions: list[float] | None = None
    """Fractions of the pixels masked; None without the metric."""
    percentages: list[float] | None = None
    """Displayed percentages; None without the metric."""
    has_auc: bool = False


def read_scores(fidelity: Paths, roc: Paths, dice: Paths, slice_ids: Collection[str]) -> Scores:
    """Return the scores of some slices.

    Args:
        fidelity: Table of points by estimator; empty if the metric is not configured.
        roc: Likewise.
        dice: Likewise.
        slice_ids: The slices wanted; those that a metric leaves out lack its numbers.
    """
    scores = Scores(has_auc=bool(roc))
    for estimator, path in fidelity.items():
        _add_fidelity(scores, estimator, path, slice_ids)
    for estimator, path in roc.items():
        for slice_id, variant, rows in _maps(path, ["auc_exact"], slice_ids):
            auc = round(float(rows["auc_exact"].iloc[0]), 4)
            _of(scores.numbers, slice_id, estimator, variant)["auc"] = auc
    for estimator, path in dice.items():
        _add_dice(scores, estimator, path, slice_ids)
    return scores


def _add_fidelity(
    scores: Scores, estimator: str, path: StrPath, slice_ids: Collection[str]
) -> None:
    columns = ["order", "fraction", "logit", "correct"]
    for slice_id, variant, rows in _maps(path, columns, slice_ids):
        curves = {order: rows[rows["order"] == order] for order in ORDERS}
        mif, lif = (curve["correct"].to_numpy(float) for curve in curves.values())
        scores.fractions = curves["mif"]["fraction"].tolist()
        gain = 10 * np.trapezoid(lif - mif, scores.fractions)
        _of(scores.numbers, slice_id, estimator, variant)["fidelity"] = round(float(gain), 3)
        _of(scores.curves, slice_id, estimator, variant).update(
            {
                order: [round(float(logit), 2) for logit in curve["logit"]]
                for order, curve in curves.items()
            }
        )


def _add_dice(scores: Scores, estimator: str, path: StrPath, slice_ids: Collection[str]) -> None:
    for slice_id, variant, rows in _maps(path, ["percentage", "dsc"], slice_ids):
        scores.percentages = rows["percentage"].tolist()
        best = rows.loc[rows["dsc"].idxmax()]
        _of(scores.numbers, slice_id, estimator, variant).update(
            {"dsc": round(float(best["dsc"]), 4), "dsc_percentage": float(best["percentage"])}
        )
        thousandths = np.rint(1000 * rows["dsc"].to_numpy()).astype(int)
        _of(scores.curves, slice_id, estimator, variant)["dsc"] = thousandths.tolist()


def _maps(
    path: StrPath, columns: list[str], slice_ids: Collection[str]
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield slice id, variant and rows of each map in a table of points."""
    wanted = [("slice_id", "in", list(slice_ids))]
    table = read_frame(path, ["slice_id", "variant", *columns], wanted)
    for (slice_id, variant), rows in table.groupby(["slice_id", "variant"], sort=False):
        yield slice_id, variant, rows


def _of(content: BySlice, slice_id: str, estimator: str, variant: str) -> dict[str, Any]:
    known: dict[str, Any] = (
        content.setdefault(slice_id, {}).setdefault(estimator, {}).setdefault(variant, {})
    )
    return known
