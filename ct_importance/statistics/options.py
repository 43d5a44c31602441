"""Keys of the section `statistics` of config.yaml."""

from __future__ import annotations

from pydantic import Field

from ct_importance.options import Options


class StatisticsOptions(Options):
    """How sure the numbers of the tables and figures are, and which of them differ."""

    resamples: int = Field(2000, ge=100, le=100_000)
    """Bootstrap resamples of the patients, for intervals."""
    permutations: int = Field(5000, ge=100, le=100_000)
    """Sign flips of a paired comparison; with few patients, all there are are taken."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """Confidence of the intervals; one minus it is the error rate of a family of comparisons."""
