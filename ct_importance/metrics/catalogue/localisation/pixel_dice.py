"""Dice coefficient of the mask and the most important pixels, without regions."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.localisation._at_threshold import AtThreshold


class PixelDice(AtThreshold):
    """2 |top and M| / (|top| + |M|), where the top are the most important pixels of the slice.

    Their share is given, or chosen on training slices. It misleads as ``iou`` does, of which it is
    a function in each slice; of a fragmented map it asks more than ``dice``, which joins pixels to
    regions first.
    """

    title: ClassVar[str] = "Pixel Dice"
    unit: ClassVar[str] = "pixel DSC"
    reference: ClassVar[str] = "Dice 1945, doi 10.2307/1932409"
    chance_of_slice: ClassVar[str] = (
        "2 m t / (m + t) of the share t shown and the share m that the mask covers"
    )
    table: ClassVar[str] = "pixel_dice"

    @staticmethod
    def overlap(hits: np.ndarray, shown: np.ndarray, masked: int) -> np.ndarray:
        """Return the Dice coefficient; of tied pixels, its expected value."""
        found: np.ndarray = 2 * hits / (shown + masked)
        return found
