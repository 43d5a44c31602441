"""What a metric is: one module of this folder, named as in config.yaml.

A metric module defines

- ``Options``: its options, a subclass of `MetricOptions`;
- ``NEEDS``: which of ``"image"``, ``"mask"``, ``"segments"`` and ``"classifier"`` it reads; what it
  does not name is None;
- ``POINT_COLUMNS``: its columns per point, name to Arrow type name (``"float64"``);
- ``POSITION_COLUMNS``: those of them that say where on its curve a point is, alike in all slices;
- ``MEAN_COLUMNS``: those that are averaged over slices at each position;
- ``BALANCED``: whether an average is the mean of the means of the classes, not of all slices;
- ``evaluate(subject, maps, context)``: the points of one slice, for each variant of its map;
- ``summarise(curves)``: ``value`` and details out of averaged curves, for each of many resamples;
- ``figure_curves(curves)``: the averaged curves as its figure shows them;
- ``describe(options)``: how it is computed with these options, in words for captions;
- ``TABLE``, ``VALUE_LABEL``, ``DECIMALS``: where and how the paper's table shows ``value``.

Options are validated while the workflow is read, so importing a metric module must stay light:
NumPy and pydantic only, everything else inside the functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from ct_importance.options import Options

if TYPE_CHECKING:
    import torch

Maps = dict[str, np.ndarray]
"""Importance maps of one slice by variant, each (H, W) and finite."""

Points = dict[str, np.ndarray]
"""Columns of one variant's points, all of one length."""


class MetricOptions(Options):
    """Options that every metric has."""

    slices: Literal["test", "annotated", "annotated_test", "all"] = "test"
    """Slices the metric is computed on; `annotated` are those with a mask, `annotated_test` are
    those of test patients."""


@dataclass(frozen=True)
class Subject:
    """One slice, with what is known about it."""

    slice_id: str
    patient_id: str
    label: int
    """1 with contrast agent, 0 without."""
    image: np.ndarray | None = None
    """(H, W) float32 in [0, 1]."""
    mask: np.ndarray | None = None
    """(H, W) bool, True where experts see what tells the classes apart."""
    segments: np.ndarray | None = None
    """(K, H, W) bool, see `ct_importance.metrics.xrai.segments.segment_image`."""


@dataclass(frozen=True)
class Context:
    """What a metric needs beside the slice and its maps."""

    options: MetricOptions
    seed: int
    classifier: torch.nn.Module | None = None
    """(N, 1, H, W) in [0, 1] to (N, 1) logits, in evaluation mode, on ``device``."""
    device: torch.device | None = None
    """Where the classifier is; None for the CPU."""


@dataclass(frozen=True)
class Curves:
    """Points averaged over slices, at K positions, for each of B resamples of the patients."""

    positions: Mapping[str, np.ndarray]
    """By position column, (K,)."""
    means: Mapping[str, np.ndarray]
    """By averaged column, (B, K)."""


class Metric(Protocol):
    """A metric module, for type checkers."""

    Options: type[MetricOptions]
    NEEDS: frozenset[str]
    POINT_COLUMNS: dict[str, str]
    POSITION_COLUMNS: tuple[str, ...]
    MEAN_COLUMNS: tuple[str, ...]
    BALANCED: bool
    TABLE: str
    VALUE_LABEL: str
    DECIMALS: int

    def evaluate(self, subject: Subject, maps: Maps, context: Context) -> dict[str, Points]:
        """Return the points of one slice by variant, for the variants in ``maps``.

        Raises:
            InputError: If the slice cannot be evaluated; the caller adds which slice it is.
        """

    def summarise(self, curves: Curves) -> dict[str, np.ndarray]:
        """Return ``value`` and the metric's details by name, each (B,).

        Args:
            curves: Averages of ``MEAN_COLUMNS`` at the positions, see `averaging`.
        """

    def figure_curves(self, curves: Curves) -> Curves:
        """Return the curves that the metric's figure shows, at positions that are fixed."""

    def describe(self, options: MetricOptions) -> str:
        """Return whole sentences that say how the metric is computed with these options."""
