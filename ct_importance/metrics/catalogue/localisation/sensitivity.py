"""Which share of the mask is among the most important pixels."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ct_importance.metrics.catalogue.localisation._at_threshold import AtThreshold


class Sensitivity(AtThreshold):
    """|top and M| / |M|, where the top are the most important pixels, a share of the slice.

    Of a sign that was planted, it says whether a map shows it at all (Sun et al. 2023, with the top
    10 %). It misleads where masks are larger than the share: then not even the mask itself reaches
    1. And it does not mind what else is shown; compare with ``relevance_rank``.
    """

    title: ClassVar[str] = "Sensitivity"
    unit: ClassVar[str] = "sensitivity"
    reference: ClassVar[str] = "Sun et al. 2023, arXiv 2307.12344"
    chance_of_slice: ClassVar[str] = "the share that is shown"
    table: ClassVar[str] = "sensitivity"

    @staticmethod
    def overlap(hits: np.ndarray, shown: np.ndarray, masked: int) -> np.ndarray:
        """Return the share of the mask that is shown; of tied pixels, that which is expected."""
        found: np.ndarray = hits / masked
        return found
