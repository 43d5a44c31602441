"""Settings of the jobs of this stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ct_importance.classifier.jobs import ChosenClassifier
from ct_importance.io.paths import StrPath
from ct_importance.options import Options
from ct_importance.plugins import Chosen, load

if TYPE_CHECKING:
    from ct_importance.saliency.estimator import Estimator


class ChosenEstimator(Chosen):
    """An entry of the section `estimators` of config.yaml."""

    @property
    def estimator(self) -> Estimator:
        """The estimator with these options."""
        found: Estimator = load("estimator", self.method)(**self.options)
        return found


Activation = Literal["logit", "probability"]
"""What is explained: the score before the sigmoid or softmax, or the number after it."""


@dataclass(frozen=True)
class Files:
    """What a job that explains slices reads."""

    classifier: StrPath | None
    """None if the maps do not depend on it."""
    slices: StrPath
    """The list of slices."""
    training: StrPath | None = None
    """The list with the training slices, if `slices` has some others alone."""
    predictions: StrPath | None = None
    """What the classifier answers to them, or to those that they are copies of; None if the target
    does not follow it."""
    graph: StrPath | None = None
    """The classifier as a graph of ONNX, for an estimator that only asks."""
    segments: StrPath | None = None
    """The table of segments, for an estimator that needs them."""
    index: StrPath | None = None
    """The index of the cohort, for one whose maps were made elsewhere."""
    given: Sequence[StrPath] | None = None
    """The files with these maps."""


class SegmentJob(Options):
    """The segments of some slices."""

    subsets: tuple[str, ...]
    """Which slices (`ct_importance.io.slices.SUBSETS`)."""


class MapsJob(Options):
    """Maps of some slices."""

    image_shape: tuple[int, ...]
    """(C, *space) of a slice as the classifier sees it."""
    seed: int
    """Seed of the run."""


class ExplainJob(MapsJob):
    """Passes through the classifier for some slices."""

    subsets: tuple[str, ...]
    """Which slices (`ct_importance.io.slices.SUBSETS`)."""
    shard: str
    """The share of them that is this job's, e.g. ``1of3``."""
    classes: tuple[str, ...]
    """Of the task."""
    activation: Activation
    """What is explained."""
    classifier: ChosenClassifier | None
    """The classifier that is explained; None if the maps do not depend on it."""


class ImportanceJob(ExplainJob, ChosenEstimator):
    """The maps of one estimator."""

    given: str | None = None
    """Folder with maps that were made elsewhere, for an estimator of these."""
    others: str = ""
    """What tells of changes of those of its files that Snakemake cannot track."""


class SharedJob(ExplainJob):
    """Work that several estimators share."""

    kind: str
    """Its module."""
    options: dict[str, Any]
    """Its fields."""


class CombineJob(MapsJob, ChosenEstimator):
    """The maps of an estimator whose passes were all taken by shared work."""
