"""The files of the metrics and of their statistics."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection

from ct_importance.errors import InputError
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.metrics.metric import Metric
from ct_importance.plugins import entry_of
from ct_importance.task import key_of
from ct_importance.workflow.config import Config
from ct_importance.workflow.layout.grid import Wildcards
from ct_importance.workflow.layout.planted import PlantedFiles

CEILINGS = ("ceiling", "readers")
"""Folders of what maps can reach: a perfect one, and the readers against each other."""


class MetricFiles(PlantedFiles):
    """What metrics need, and where their points and values are."""

    def __init__(self, config: Config) -> None:
        """Lay out a run.

        Raises:
            InputError: If a path of the user cannot be read, or a metric cannot be computed.
        """
        super().__init__(config)
        self.chosen_metrics = {
            name: ChosenMetric(**entry_of(name, config.metrics[name])) for name in self.metrics
        }
        self.points_entry = self._points_entries()
        self._check_metrics()

    def _points_entries(self) -> dict[str, str]:
        """Return by the name of each entry the first whose points are the same: it reads those."""
        first: list[tuple[Metric, str]] = []
        for name in self.metrics:
            evaluated = self.config.metrics[name].evaluated
            first.append((evaluated, next((it for one, it in first if one == evaluated), name)))
        return dict(zip(self.metrics, (name for _, name in first), strict=True))

    def _check_metrics(self) -> None:
        for metric in self.metrics:
            subset = self.slices_of(metric)
            if subset.endswith(("test", "planted")) and self.cohort.test_fraction == 0:
                raise InputError(
                    f"config: metrics.{metric} is computed on test slices, and "
                    "cohort.test_fraction is 0: "
                    f"set metrics.{metric}.slices to annotated or all"
                )
            if self.config.metrics[metric].is_tuned and self.cohort.test_fraction == 0:
                raise InputError(
                    f"config: metrics.{metric} is of test slices, what it shows being chosen on "
                    "training slices, and cohort.test_fraction is 0: set it above 0, or "
                    f"metrics.{metric}.top to a share"
                )
            if subset == "planted":
                self._check_planted(metric)
                continue
            wants_masks = self.needs(metric, "mask") or subset.startswith("annotated")
            if wants_masks and not self.has_masks:
                raise InputError(
                    f"config: metrics.{metric} needs masks: set `masks` of a dataset in "
                    "cohort.datasets to their folder, or leave the metric out with metrics: "
                    f"{{{metric}: null}}"
                )

    def _check_planted(self, metric: str) -> None:
        """Check that slices of each classifier have a sign, and those of the same class."""
        key = f"config: metrics.{metric}.slices is planted"
        for name, source in self.classifiers.items():
            if source.planted is None:
                raise InputError(
                    f"{key}, and no sign is put on the slices of classifiers.{name}: give it a "
                    "planted: {sign, in_class, dose}, dose 0 for a control, or leave it out"
                )
        if len({key_of(it.in_class) for it in self.doses.values()}) > 1:
            raise InputError(
                f"{key}, and classifiers have signs on slices of different classes, so that they "
                "cannot be compared on the same slices: give all of them the same "
                "planted.in_class, or make a run of each"
            )

    def needs(self, metric: str, what: str) -> bool:
        """Return whether a metric needs something."""
        return what in self.config.metrics[metric].needs

    def slices_of(self, metric: str) -> str:
        """Return the subset of slices a metric is computed on; "" if it is not configured."""
        if metric not in self.metrics:
            return ""
        return self.config.metrics[metric].slices

    def classifier_of_metric(self, wildcards: Wildcards) -> str | list[str]:
        """Return the classifier, if a metric asks it."""
        return self._of_classifier(wildcards, "classifier.pt")

    def graph_of_metric(self, wildcards: Wildcards) -> str | list[str]:
        """Return the graph of the classifier, likewise."""
        return self._of_classifier(wildcards, "forward.onnx")

    def _of_classifier(self, wildcards: Wildcards, file: str) -> str | list[str]:
        asked = self.needs(wildcards.metric, "classifier")
        return f"{self.in_replicate(wildcards)}/classifier/{file}" if asked else []

    def segments_of_metric(self, wildcards: Wildcards) -> str | list[str]:
        """Return the segments of the slices, if a metric needs them."""
        needed = self.needs(wildcards.metric, "segments")
        return f"{self.folder_of_slices(wildcards)}/segments.parquet" if needed else []

    def segments_of_explorer(self, wildcards: Wildcards) -> str | list[str]:
        """Return the segments of the slices that an explorer shows, if any metric needs them."""
        if not any(self.needs(metric, "segments") for metric in self.metrics):
            return []
        if hasattr(wildcards, "classifier"):
            return self.seen("segments.parquet")(wildcards)
        return self.seen_by_all("segments.parquet")

    def gpus_of_metric(self, wildcards: Wildcards) -> int:
        """Return how many GPUs a job of a metric wants."""
        return int(self.needs(wildcards.metric, "classifier"))

    def points(self, classifier: str, metric: str) -> list[str]:
        """Return the tables of a metric; none if it is not configured.

        Those of all estimators for the first training, then for the second and so on. Entries of
        the configuration whose points are the same share them.
        """
        names = self.estimators if metric in self.metrics else ()
        folder = f"{self.folder}/{classifier}"
        return [
            f"{folder}/{replicate}/metrics/{self.points_entry[metric]}/{name}.parquet"
            for replicate in self.replicates(classifier)
            for name in names
        ]

    def points_of_metric(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of the metric of a job."""
        return self.points(wildcards.classifier, wildcards.metric)

    def points_of_explorer(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of all metrics, of the first training of a classifier alone."""
        count = len(self.estimators)
        first = (self.points(wildcards.classifier, metric)[:count] for metric in self.metrics)
        return list(itertools.chain(*first))

    def points_of_maps(self) -> list[str]:
        """Return those of the first training of all classifiers, as `maps_of_classifiers`."""
        return [
            f"{self.folder}/{classifier}/1/metrics/{self.points_entry[metric]}/{name}.parquet"
            for metric in self.metrics
            for name in self.estimators
            for classifier in self.classifiers
        ]

    def all_points(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of all metrics, in their order."""
        points = (self.points(wildcards.classifier, metric) for metric in self.metrics)
        return list(itertools.chain(*points))

    def points_of_classifiers(self, classifiers: Collection[str] | None = None) -> list[str]:
        """Return the tables of all metrics, classifier by classifier.

        Args:
            classifiers: Which; None for all.
        """
        of = self.classifiers if classifiers is None else classifiers
        points = (self.points(name, metric) for name in of for metric in self.metrics)
        return list(itertools.chain(*points))

    def ceiling(self, metric: str, table: str) -> list[str]:
        """Return what maps can reach by a metric that looks at masks.

        A perfect map, by a metric of regions (by others it reaches 1), and, where several readers
        marked slices, each of them against the others.
        """
        if metric not in self.metrics or not self.needs(metric, "mask"):
            return []
        if self.slices_of(metric) == "planted":
            return []
        there = {"ceiling": self.needs(metric, "segments"), "readers": self.has_readers}
        kinds = [kind for kind in CEILINGS if there[kind]]
        return [f"{self.folder}/{kind}/{metric}/{table}.parquet" for kind in kinds]

    def values(self) -> list[str]:
        """Return the values by each metric, classifier by classifier."""
        return self.of_classifiers(*(f"statistics/{it}/values.parquet" for it in self.metrics))

    def values_of_sanity(self, wildcards: Wildcards) -> list[str]:
        """Return the values by the metrics that say of an estimator by itself whether it fails."""
        judging = (it for it in self.metrics if self.config.metrics[it].category == "sanity")
        folder = f"{self.folder}/{wildcards.classifier}/statistics"
        return [f"{folder}/{it}/values.parquet" for it in judging]

    def of_metrics(self, table: str) -> Callable[[Wildcards], list[str]]:
        """Return a function from wildcards to a table of the statistics of each metric."""
        return lambda wildcards: [
            f"{self.folder}/{wildcards.classifier}/statistics/{it}/{table}.parquet"
            for it in self.metrics
        ]
