"""Settings of the jobs of this stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ct_importance.classifier.jobs import ChosenClassifier
from ct_importance.io.paths import StrPath
from ct_importance.plugins import Chosen, load
from ct_importance.task import Fill

if TYPE_CHECKING:
    from ct_importance.metrics.metric import Metric


class ChosenMetric(Chosen):
    """An entry of the section `metrics` of config.yaml."""

    @property
    def metric(self) -> Metric:
        """The metric with these options."""
        found: Metric = load("metric", self.method)(**self.options)
        return found


def lower_is_better(chosen: Sequence[ChosenMetric]) -> list[str]:
    """Return the names of those of which the best value is the lowest."""
    return [one.name for one in chosen if not one.metric.higher_is_better]


class MetricJob(ChosenMetric):
    """A job that works with one metric."""

    seed: int
    """Seed of the run."""


@dataclass(frozen=True)
class EvaluationFiles:
    """What a job that evaluates maps reads."""

    slices: StrPath
    """The list of the slices that it is about."""
    maps: StrPath
    """The estimator's table."""
    classifier: StrPath | None = None
    """File of the classifier, for a metric that asks it."""
    graph: StrPath | None = None
    """The classifier as a graph of ONNX, likewise."""
    segments: StrPath | None = None
    """The table of segments, for a metric that needs them."""
    variations: Sequence[StrPath] = ()
    """The estimator's table of each of `Metric.variations`."""
    answers: Sequence[StrPath] = ()
    """The predictions of the training, then of each of these, for a metric that needs scores."""


class EvaluationJob(MetricJob):
    """The points of the maps of one estimator."""

    estimator: str
    """Of its entry in config.yaml."""
    shard: str
    """The share of the slices that is this job's, e.g. ``1of3``."""
    classifier: ChosenClassifier | None
    """None for a metric that does not ask it."""
    fill: tuple[Fill, ...] | None
    """What hides each class in an image; None for a metric that does not ask the
    classifier."""
