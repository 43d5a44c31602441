"""Intersection over union of the mask and the most important pixels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.localisation._at_threshold import AtThreshold


class Iou(AtThreshold):
    """|top and M| / |top or M|, where the top are the most important pixels, a share of the slice.

    The share is given, or chosen on training slices (Saporta et al. 2022). It misleads where one
    share is to serve masks of many sizes: a map that ranks all pixels rightly then scores low.
    Compare with ``relevance_rank``, which shows as much as the mask has.
    """

    title: ClassVar[str] = "IoU"
    unit: ClassVar[str] = "IoU"
    reference: ClassVar[str] = "Saporta et al. 2022, doi 10.1038/s42256-022-00536-x"
    chance_of_slice: ClassVar[str] = (
        "m t / (m + t - m t) of the share t shown and the share m that the mask covers"
    )
    table: ClassVar[str] = "iou"

    @staticmethod
    def overlap(hits: np.ndarray, shown: np.ndarray, masked: int) -> np.ndarray:
        """Return intersection over union; of tied pixels, of the expected intersection."""
        found: np.ndarray = hits / (shown + masked - hits)
        return found
