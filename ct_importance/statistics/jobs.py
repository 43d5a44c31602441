"""Settings of the jobs of this stage."""

from __future__ import annotations

from ct_importance.metrics.jobs import ChosenMetric, MetricJob
from ct_importance.options import Options
from ct_importance.statistics.options import StatisticsOptions


class CeilingJob(MetricJob):
    """What a perfect map reaches by a metric of regions, or the readers against each other."""

    of_readers: bool
    """Whether it is of the readers."""
    statistics: StatisticsOptions
    """Section `statistics` of the configuration."""
    classes: tuple[str, ...]
    """The classes as parts of the names of columns (`Task.columns`)."""


class EstimationJob(MetricJob):
    """Values, curves and comparisons by one metric."""

    estimators: tuple[str, ...]
    """In the order of their tables of points."""
    statistics: StatisticsOptions
    """Section `statistics` of the configuration."""
    classes: tuple[str, ...]
    """The classes as parts of the names of columns (`Task.columns`)."""


class SimilarityJob(Options):
    """How alike the maps of one estimator are in several trainings."""

    estimator: str
    """Its name."""
    subsets: tuple[str, ...]
    """Which slices have maps (`ct_importance.io.slices.SUBSETS`)."""
    seed: int
    """Seed of the run."""
    statistics: StatisticsOptions
    """Section `statistics` of the configuration."""


class ConcordanceJob(Options):
    """How far classifiers agree on the ranking of the estimators."""

    trainings: dict[str, int]
    """Of each classifier, in the order of their tables."""
    metrics: tuple[ChosenMetric, ...]
    """In the order of their tables, of each classifier."""
    estimators: tuple[str, ...]
    """In the order of their tables of points, which those of each training have."""
    seed: int
    """Seed of the run."""
    statistics: StatisticsOptions
    """Section `statistics` of the configuration."""


class TruthJob(Options):
    """What maps show of signs that were planted, and which metric knew."""

    trainings: dict[str, int]
    """Of each classifier, in the order of their tables."""
    metrics: tuple[ChosenMetric, ...]
    """In the order of their tables, of each classifier."""
    estimators: tuple[str, ...]
    """In the order of their tables of points, which those of each training have."""
    controls: tuple[str, ...]
    """Those that know nothing of the classifier."""
    labels: dict[str, int]
    """Of the class whose slices have the sign, by classifier."""
    without_place: tuple[str, ...]
    """Classifiers whose sign no map can say the place of."""
    seed: int
    """Seed of the run."""
    statistics: StatisticsOptions
    """Section `statistics` of the configuration."""


class RankingJob(Options):
    """How each metric ranks the estimators, and how far the metrics agree."""

    metrics: tuple[ChosenMetric, ...]
    """In the order of their tables."""
    estimators: tuple[str, ...]
    """In the order of their tables of points, which those of each metric have."""
    seed: int
    """Seed of the run."""
    statistics: StatisticsOptions
    """Section `statistics` of the configuration."""
