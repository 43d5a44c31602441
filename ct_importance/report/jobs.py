"""What the rules of this stage are asked to do."""

from __future__ import annotations

from typing import Any

from ct_importance.cohort.options import PlantedOptions
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.options import Options
from ct_importance.plugins import load
from ct_importance.report.figure import Figure
from ct_importance.report.options import ExportOptions
from ct_importance.saliency.estimator import Cost
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import Task


class FigureJob(Options):
    """One figure."""

    kind: str
    """Its module."""
    options: dict[str, Any]
    """Its fields."""

    @property
    def figure(self) -> Figure:
        """The figure with these fields."""
        found: Figure = load("figure", self.kind)(**self.options)
        return found


class Caption(Options):
    """How one figure is called, and how to read it."""

    name: str
    """Of its files, without suffix."""
    heading: str
    caption: str


class CaptionsJob(Options):
    """The captions of a folder of figures."""

    figures: tuple[Caption, ...]


class TableJob(Options):
    """The table of one metric."""

    table: str
    """Name of its files."""
    controls: tuple[str, ...] = ()
    """Estimators that know nothing of the classifier."""
    metric: ChosenMetric
    statistics: StatisticsOptions
    task: Task


class AgreementJob(Options):
    """How the metrics rank the estimators, in words and numbers."""

    metrics: tuple[ChosenMetric, ...]
    controls: tuple[str, ...] = ()
    """Estimators that know nothing of the classifier."""
    statistics: StatisticsOptions
    trainings: int = 1
    """Of the classifier."""


class StabilityJob(Options):
    """How much depends on the training of the classifier."""

    metrics: tuple[ChosenMetric, ...]
    """In the order of their tables."""
    statistics: StatisticsOptions
    trainings: int
    """Of the classifier."""


class PlantedJob(Options):
    """Signs that were put on slices, and what is known of them."""

    planted: dict[str, PlantedOptions]
    """By classifier."""
    controls: tuple[str, ...]
    """Estimators that know nothing of the classifier."""
    lower_is_better: tuple[str, ...] = ()
    """Metrics of which the best value is the lowest."""
    statistics: StatisticsOptions


class ClassifiersJob(Options):
    """How far the ranking of the estimators depends on the classifier."""

    trainings: dict[str, int]
    """Of each classifier."""
    controls: tuple[str, ...] = ()
    """Estimators that know nothing of the classifier."""
    statistics: StatisticsOptions


class CostJob(Options):
    """What each estimator costs."""

    passes: dict[str, Cost]
    """Passes of each slice, by estimator."""
    complete: tuple[str, ...]
    """Estimators whose maps are to sum up to a difference of scores."""
    benchmarks: dict[str, tuple[str, ...]]
    """Snakemake's benchmark files of the jobs that made the maps of an estimator."""
    subsets: tuple[str, ...]
    """Which slices were explained (`ct_importance.io.slices.SUBSETS`)."""


class ClassifierOfRun(Options):
    """One of the classifiers of a run."""

    name: str
    trainings: int
    """How many there are."""
    is_trained_here: bool
    """False for one that the user brings."""


class SummaryJob(Options):
    """What a run is and says."""

    config: dict[str, Any]
    """The configuration without paths (`ct_importance.report.provenance.shareable_config`)."""
    classifiers: tuple[ClassifierOfRun, ...]
    """In the order of their files."""
    metrics: tuple[ChosenMetric, ...]
    """In the order of their tables of values, of each classifier."""
    controls: tuple[str, ...] = ()
    """Estimators that know nothing of the classifier."""
    planted: dict[str, PlantedOptions] = {}
    """Signs on slices of classifiers, by their names."""
    statistics: StatisticsOptions
    task: Task


class ExplorerJob(Options):
    """A page to look through slices, maps and scores."""

    run: str
    """Its name, with that of the classifier: alike however many classifiers there are."""
    classifiers: tuple[str, ...] = ()
    """Of a page that compares several, those."""
    estimators: tuple[str, ...]
    """In the order of their tables."""
    subsets: tuple[str, ...]
    """Which slices have maps (`ct_importance.io.slices.SUBSETS`)."""
    slices: int
    """How many the page holds at most."""
    controls: tuple[str, ...] = ()
    """Estimators that know nothing of the classifier."""
    metrics: tuple[ChosenMetric, ...]
    """In the order of their tables."""
    hu_window: tuple[float, float]
    """Hounsfield units of black and white."""
    task: Task

    @property
    def maps(self) -> dict[str, tuple[str, str | None]]:
        """Estimator and classifier of the maps by name, in the order of their tables.

        Those of one estimator and several classifiers stand side by side.
        """
        if not self.classifiers:
            return {name: (name, None) for name in self.estimators}
        return {
            f"{name}/{classifier}": (name, classifier)
            for name in self.estimators
            for classifier in self.classifiers
        }


class ExportJob(ExportOptions):
    """The maps of one estimator as files for viewers."""

    estimator: str
    """Of its entry in config.yaml."""
    title: str
    """Names estimator and classifier."""

    @property
    def region(self) -> str:
        """What the most important pixels are called.

        >>> ExportJob(estimator="random", title="Random of resnet50", top=0.05).region
        'top 5 %'
        """
        return f"top {self.top * 100:g} %"
