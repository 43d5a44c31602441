"""The study: which files there are, and what each is made of. The one place that knows the grid."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.plugins import modules, name_of
from ct_importance.report.figure import OF_METRIC, Figure, Outline, figures_of
from ct_importance.report.markup import escape_rst
from ct_importance.workflow.code import code_digest
from ct_importance.workflow.config import (
    TABLE_PARTS,
    Config,
    canonical_json,
    tables_of,
)
from ct_importance.workflow.inputs import UserInputs, as_inputs
from ct_importance.workflow.jobs import classifier, cohort, metrics, report, saliency, statistics

JOBS = (cohort, classifier, saliency, metrics, statistics, report)
FORMATS = ("svg", "pdf", "png")

Wildcards = Any
"""What Snakemake gives an input function: an object with the wildcards of its rule's output."""


class Study:
    """A run, made of its validated configuration; tested without Snakemake."""

    def __init__(self, config: Config) -> None:
        """Lay out a run.

        Raises:
            InputError: If a path of the user cannot be read, or a metric cannot be computed.
        """
        self.config = config
        self.options = config.options
        self.cohort = config.options.cohort
        self.run = config.options.run
        self.folder = f"results/{self.run}"
        self.inputs = UserInputs(config)
        self.is_phantom = not self.inputs.datasets
        self.datasets = list(self.inputs.datasets) or ["phantom"]
        # In an order of their own: that of the configuration's keys must not count for anything.
        self.estimators = dict(sorted(config.estimators.items()))
        self.tables = tables_of(config.metrics)
        self.metrics = [self.tables[table] for table in sorted(self.tables)]
        self.chosen_metrics = {
            name: ChosenMetric(**self.chosen_metric(name)) for name in self.metrics
        }
        self.classifiers = dict(sorted(config.classifiers.items()))
        self.shared = {
            work.name: work for it in self.estimators.values() for work in it.shared().values()
        }
        self.shards = [f"{n}of{self.options.shards}" for n in range(1, self.options.shards + 1)]
        self._check_metrics()
        self.figures = {name: figures_of(self._outline(name)) for name in self.classifiers}

    def job(self, rule: str) -> Callable[[Wildcards], str]:
        """Return a function from wildcards to what a rule's script is asked to do, as JSON.

        A function, since Snakemake leaves what it returns as it is: braces in the paths of users
        stay what they are.
        """
        (build,) = (getattr(stage, rule) for stage in JOBS if hasattr(stage, rule))
        return lambda wildcards: canonical_json(build(self, wildcards))

    def code(self, rule: str) -> Callable[[Wildcards], str]:
        """Return a function from wildcards to a digest of the code a rule's script runs."""
        return lambda wildcards: code_digest(f"scripts/{rule}.py", *self._loaded(rule, wildcards))

    def _loaded(self, rule: str, wildcards: Wildcards) -> list[str]:
        """Return the modules that a script loads by name."""
        if rule == "combine_shared":
            return [self._module("estimator", self.estimators[wildcards.estimator])]
        if rule == "compute_importance":
            estimator = self._module("estimator", self.estimators[wildcards.estimator])
            return [estimator, self._source(wildcards)]
        if rule == "share_passes":
            return [self._module("shared", self.shared[wildcards.shared]), self._source(wildcards)]
        if rule in ("train_classifier", "import_classifier", "predict_slices"):
            return [self._source(wildcards)]
        if rule == "evaluate_importance" and self.needs(wildcards.metric, "classifier"):
            metric = self._module("metric", self.config.metrics[wildcards.metric])
            return [metric, self._source(wildcards)]
        if rule == "plot_figure":
            # What it shows of estimators and metrics is in tables that their code has made.
            return [self._module("figure", self.figures[wildcards.classifier][wildcards.figure])]
        if rule in ("rank_estimators", "write_agreement", "write_summary"):
            names = self.metrics
        elif rule == "write_table":
            names = [self.tables[wildcards.table]]
        else:
            names = [wildcards.metric] if hasattr(wildcards, "metric") else []
        return [self._module("metric", self.config.metrics[name]) for name in names]

    def _source(self, wildcards: Wildcards) -> str:
        return self._module("source", self.classifiers[wildcards.classifier])

    def _module(self, kind: Any, chosen: object) -> str:
        return modules(kind)[name_of(type(chosen))]

    # The cohort

    @property
    def has_masks(self) -> bool:
        """Whether slices can have masks."""
        return self.is_phantom or any(self.inputs.masks.values())

    def phantom(self) -> list[str]:
        """Return the folder of the built-in cohort, where it is used."""
        return [f"{self.folder}/phantom"] if self.is_phantom else []

    def headers(self) -> list[str]:
        """Return the tables of headers, one per dataset."""
        return [f"{self.folder}/cohort/headers/{name}.parquet" for name in self.datasets]

    def header_files(self, wildcards: Wildcards) -> list[str]:
        """Return what the headers of a dataset depend on, beside what lies in its folders."""
        name = wildcards.dataset
        patients = self.inputs.patients.get(name)
        return [
            *self.inputs.folders.get(name, []),
            *([patients] if patients else []),
            *self._pseudonym_key(),
        ]

    def tracked_header_files(self, wildcards: Wildcards) -> list[str]:
        """Return those of them that Snakemake can track."""
        return as_inputs(self.header_files(wildcards))

    def label_files(self) -> list[str]:
        """Return the tables of labels, and the secret of pseudonyms."""
        return [*sorted(filter(None, self.inputs.labels.values())), *self._pseudonym_key()]

    def tracked_label_files(self) -> list[str]:
        """Return those of them that Snakemake can track."""
        return as_inputs(self.label_files())

    def mask_files(self) -> list[str]:
        """Return the mask files of the user that Snakemake can track."""
        return as_inputs(self.inputs.mask_files)

    def chest(self) -> list[str]:
        """Return the table of chests, where only the chest is wanted."""
        wanted = self.cohort.body_region.region == "chest"
        return [f"{self.folder}/cohort/chest.parquet"] if wanted else []

    def of_patients(self, folder: str, split: StrPath) -> list[str]:
        """Return a table per patient.

        Args:
            folder: Where they lie, below that of the run.
            split: The table of the patients, which the checkpoint plan_extraction wrote.

        Raises:
            WorkflowError: If it cannot be read.
        """
        try:
            files = read_table(split, ["file"]).column("file").to_pylist()
        except InputError as error:
            # Of other errors in a function of its rules Snakemake prints the traceback.
            from snakemake.exceptions import WorkflowError

            raise WorkflowError(str(error)) from None
        return [f"{self.folder}/{folder}/{file}.parquet" for file in files]

    def plan_of(self, patient: str, plans: StrPath) -> str:
        """Return the plan of a patient; plans: the folder that the checkpoint wrote."""
        return f"{plans}/{patient}.json"

    def _pseudonym_key(self) -> list[str]:
        return [self.inputs.pseudonym_key] if self.inputs.pseudonym_key else []

    # Classifiers

    def trained(self) -> list[str]:
        """Return the classifiers that are trained here."""
        return [name for name, source in self.classifiers.items() if source.is_trained_here]

    def brought(self) -> list[str]:
        """Return the classifiers that the user brings."""
        return [name for name in self.classifiers if name not in self.trained()]

    def files_of_classifier(self, wildcards: Wildcards) -> list[str]:
        """Return the user's files of a classifier that Snakemake can track."""
        return as_inputs(list(self.inputs.files_of_classifier(wildcards.classifier).values()))

    def replicates(self, classifier: str) -> list[str]:
        """Return the trainings of a classifier; one that the user brings has one."""
        count = self.options.replicates if self.classifiers[classifier].is_trained_here else 1
        return list(map(str, range(1, count + 1)))

    @property
    def trainings(self) -> dict[str, list[str]]:
        """The replicates of each classifier."""
        return {name: self.replicates(name) for name in self.classifiers}

    def of_replicates(self, classifier: str, path: str) -> list[str]:
        """Return a file of each training of a classifier.

        Args:
            classifier: Its name.
            path: Of the file, from the folder of the training.
        """
        return [f"{self.folder}/{classifier}/{it}/{path}" for it in self.replicates(classifier)]

    def in_replicate(self, wildcards: Wildcards) -> str:
        """Return the folder of a training."""
        return f"{self.folder}/{wildcards.classifier}/{wildcards.replicate}"

    # Importance

    def sharded(self, path: str) -> str:
        """Return a path per shard in place of one, if several jobs divide the slices."""
        if len(self.shards) == 1:
            return path
        folder, name = os.path.split(path)
        stem, suffix = os.path.splitext(name)
        return f"{folder}/shards/{stem}.{{shard}}{suffix}"

    def shard_of(self, wildcards: Wildcards) -> str:
        """Return the share of the slices that a job has."""
        return getattr(wildcards, "shard", self.shards[0])

    def shards_of(self, wildcards: Wildcards) -> list[str]:
        """Return the shares of a table that several jobs divide."""
        path = self.sharded(f"{self.in_replicate(wildcards)}/{wildcards.joined}.parquet")
        return [path.replace("{shard}", shard) for shard in self.shards]

    def joined(self) -> list[str]:
        """Return the tables that several jobs divide, without folder of the training and suffix."""
        return [
            *(f"saliency/shared/{name}" for name in self.shared),
            *(f"saliency/{name}" for name in self.taking_passes()),
            *(f"metrics/{metric}/{name}" for metric in self.metrics for name in self.estimators),
        ]

    def taking_passes(self) -> list[str]:
        """Return the estimators that take passes of their own."""
        return [name for name, it in self.estimators.items() if not it.shared()]

    def combining(self) -> list[str]:
        """Return the estimators whose passes are all shared."""
        return [name for name, it in self.estimators.items() if it.shared()]

    def shared_maps(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of the work that an estimator shares."""
        works = self.estimators[wildcards.estimator].shared().values()
        folder = self.in_replicate(wildcards)
        return [f"{folder}/saliency/shared/{work.name}.parquet" for work in works]

    def predictions_of_target(self, wildcards: Wildcards) -> str | list[str]:
        """Return the predictions, where the class that is explained follows them."""
        follows = self.shared[wildcards.shared].target == "predicted"
        return f"{self.in_replicate(wildcards)}/predictions.parquet" if follows else []

    def explained(self) -> list[str]:
        """Return which slices need maps: those of metrics, and those with a mask for figures."""
        subsets = {self.slices_of(metric) for metric in self.metrics}
        if self.has_masks:
            subsets = subsets - {"annotated_test"} | {"annotated"}
        return ["all"] if "all" in subsets else sorted(subsets)

    def maps_of_explorer(self, wildcards: Wildcards) -> list[str]:
        """Return the importance maps of the first training of a classifier, one per estimator."""
        folder = f"{self.folder}/{wildcards.classifier}/1/saliency"
        return [f"{folder}/{name}.parquet" for name in self.estimators]

    # Metrics

    def needs(self, metric: str, what: str) -> bool:
        """Return whether a metric needs something."""
        return what in self.config.metrics[metric].needs

    def slices_of(self, metric: str) -> str:
        """Return the subset of slices a metric is computed on; "" if it is not configured."""
        if metric not in self.metrics:
            return ""
        return self.config.metrics[metric].slices

    def _check_metrics(self) -> None:
        for metric in self.metrics:
            subset = self.slices_of(metric)
            if subset.endswith("test") and self.cohort.test_fraction == 0:
                raise InputError(
                    f"config: metrics.{metric} is computed on test slices, and "
                    "cohort.test_fraction is 0: "
                    f"set metrics.{metric}.slices to annotated or all"
                )
            wants_masks = self.needs(metric, "mask") or subset.startswith("annotated")
            if wants_masks and not self.has_masks:
                raise InputError(
                    f"config: metrics.{metric} needs masks: set `masks` of a dataset in "
                    "cohort.datasets to their folder, or leave the metric out with metrics: "
                    f"{{{metric}: null}}"
                )

    def classifier_of_metric(self, wildcards: Wildcards) -> str | list[str]:
        """Return the classifier, if a metric asks it."""
        asked = self.needs(wildcards.metric, "classifier")
        return f"{self.in_replicate(wildcards)}/classifier/classifier.pt" if asked else []

    def segments_of_metric(self, wildcards: Wildcards) -> str | list[str]:
        """Return the segments of the slices, if a metric needs them."""
        needed = self.needs(wildcards.metric, "segments")
        return f"{self.folder}/segments.parquet" if needed else []

    def gpus_of_metric(self, wildcards: Wildcards) -> int:
        """Return how many GPUs a job of a metric wants."""
        return int(self.needs(wildcards.metric, "classifier"))

    def points(self, classifier: str, metric: str) -> list[str]:
        """Return the tables of a metric; none if it is not configured.

        Those of all estimators for the first training, then for the second and so on.
        """
        names = self.estimators if metric in self.metrics else ()
        return [
            f"{self.folder}/{classifier}/{replicate}/metrics/{metric}/{name}.parquet"
            for replicate in self.replicates(classifier)
            for name in names
        ]

    def points_of_explorer(self, metric: str) -> Callable[[Wildcards], list[str]]:
        """Return a function from wildcards to the tables of a metric of the first training."""
        count = len(self.estimators)
        return lambda wildcards: self.points(wildcards.classifier, metric)[:count]

    def segments(self) -> str | list[str]:
        """Return the segments of the slices, if a metric needs them."""
        needed = any(self.needs(metric, "segments") for metric in self.metrics)
        return f"{self.folder}/segments.parquet" if needed else []

    def chosen_metric(self, name: str) -> dict[str, Any]:
        """Return the fields of `ct_importance.metrics.jobs.ChosenMetric`."""
        metric = self.config.metrics[name]
        return {"name": name, "method": name_of(type(metric)), "options": metric.model_dump()}

    def points_of_metric(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of the metric of a job."""
        return self.points(wildcards.classifier, wildcards.metric)

    def all_points(self, wildcards: Wildcards) -> list[str]:
        """Return the tables of all metrics, in their order."""
        points = (self.points(wildcards.classifier, metric) for metric in self.metrics)
        return list(itertools.chain(*points))

    def ceiling(self, metric: str, table: str) -> list[str]:
        """Return what a perfect map reaches by a metric of regions; the others reach 1."""
        has_ceiling = metric in self.metrics and all(
            self.needs(metric, what) for what in ("mask", "segments")
        )
        return [f"{self.folder}/ceiling/{metric}/{table}.parquet"] if has_ceiling else []

    # Statistics and report

    def of_classifiers(self, *paths: str) -> list[str]:
        """Return files of each classifier, classifier by classifier.

        Args:
            paths: From the folder of the classifier.
        """
        return [f"{self.folder}/{name}/{path}" for name in self.classifiers for path in paths]

    def of_trainings(self, path: str) -> list[str]:
        """Return a file of each training, classifier by classifier."""
        return list(itertools.chain(*(self.of_replicates(name, path) for name in self.classifiers)))

    def evaluations(self, wildcards: Wildcards) -> list[str]:
        """Return how good each training of a classifier is."""
        return self.of_replicates(wildcards.classifier, "evaluation.json")

    def paper_tables(self, suffix: str) -> list[str]:
        """Return the table of each metric, classifier by classifier."""
        return self.of_classifiers(*(f"tables/{table}.{suffix}" for table in self.tables))

    def values(self) -> list[str]:
        """Return the values by each metric, classifier by classifier."""
        return self.of_classifiers(*(f"statistics/{it}/values.parquet" for it in self.metrics))

    def comparisons(self, wildcards: Wildcards) -> list[str]:
        """Return the comparisons by each metric."""
        folder = f"{self.folder}/{wildcards.classifier}/statistics"
        return [f"{folder}/{it}/comparisons.parquet" for it in self.metrics]

    def of_table(self, name: str) -> Callable[[Wildcards], str]:
        """Return a function from wildcards to a file of the statistics behind a table."""
        return lambda wildcards: (
            f"{self.folder}/{wildcards.classifier}/statistics/"
            f"{self.tables[wildcards.table]}/{name}.parquet"
        )

    def ceiling_of_table(self, wildcards: Wildcards) -> list[str]:
        """Return the ceiling of the metric of a table."""
        return self.ceiling(self.tables[wildcards.table], "values")

    def figure_files(self) -> list[str]:
        """Return the figures in every format."""
        return [
            f"{self.folder}/{classifier}/figures/{name}.{suffix}"
            for classifier, figures in self.figures.items()
            for name in figures
            for suffix in FORMATS
        ]

    def tables_of_figure(self, wildcards: Wildcards) -> dict[str, str]:
        """Return the tables that a figure is drawn from, by name; those of the first training."""
        figure = self.figure_of(wildcards)
        return {
            name: self._table_of_figure(name, figure, wildcards.classifier) for name in figure.reads
        }

    def _table_of_figure(self, name: str, figure: Any, classifier: str) -> str:
        if name == "maps":
            return f"{self.folder}/{classifier}/1/saliency/{figure.estimator}.parquet"
        if name == "ceiling":
            return f"{self.folder}/ceiling/{figure.metric.name}/curves.parquet"
        if name in OF_METRIC:
            return f"{self.folder}/{classifier}/statistics/{figure.metric.name}/{name}.parquet"
        places = {
            "slices": "slices",
            "segments": "segments",
            "predictions": f"{classifier}/1/predictions",
            "training": f"{classifier}/1/classifier/training",
            "ranks": f"{classifier}/statistics/ranks",
        }
        return f"{self.folder}/{places[name]}.parquet"

    def figure_of(self, wildcards: Wildcards) -> Figure:
        """Return the figure of a job."""
        return self.figures[wildcards.classifier][wildcards.figure]

    def figure_names(self) -> set[str]:
        """Return the names of the figures of all classifiers."""
        return set().union(*self.figures.values())

    def category_of_figure(self, wildcards: Wildcards) -> str:
        """Return where the report lists a figure."""
        return self.figure_of(wildcards).category

    def labels_of_figure(self, wildcards: Wildcards) -> dict[str, str]:
        """Return what the report lists a figure as."""
        return self.of_classifier(wildcards) | self.figure_of(wildcards).labels

    def of_classifier(self, wildcards: Wildcards) -> dict[str, str]:
        """Return how the report tells a result of one classifier from those of others."""
        several = len(self.classifiers) > 1
        return {"classifier": wildcards.classifier} if several else {}

    def caption_of_figure(self, wildcards: Wildcards) -> str:
        """Return how to read a figure, as reStructuredText."""
        figure = self.figure_of(wildcards)
        return escape_rst(f"{figure.caption} {figure.notes}".strip())

    def _outline(self, classifier: str) -> Outline:
        """Return what was found of a classifier, as far as figures ask for it."""
        return Outline(
            estimators=tuple(self.estimators),
            metrics=self.chosen_metrics,
            has_masks=self.has_masks,
            is_trained_here=self.classifiers[classifier].is_trained_here,
            task=self.options.task,
            statistics=self.options.statistics,
            report=self.options.report,
        )

    def table_files(self) -> list[str]:
        """Return the tables of the report as CSV."""
        stems = [
            f"{it}{part}"
            for it in self.tables
            for part in ("", *(f"_{part}" for part in TABLE_PARTS))
        ]
        stems += ["agreement", "ranks", "cost"]
        return self.of_classifiers(*(f"tables/{it}.csv" for it in stems))

    def benchmarks(self, classifier: str) -> dict[str, list[str]]:
        """Return Snakemake's benchmark files of the jobs that make the maps of each estimator.

        Those of the first training.
        """
        return {name: list(self._benchmarks_of(classifier, name)) for name in self.estimators}

    def all_benchmarks(self, wildcards: Wildcards) -> list[str]:
        """Return these files, each once."""
        return sorted(set(itertools.chain(*self.benchmarks(wildcards.classifier).values())))

    def _benchmarks_of(self, classifier: str, name: str) -> Iterable[str]:
        folder, place = f"{self.folder}/benchmarks", f"{classifier}/1"
        jobs = [f"compute_importance/{place}/{name}"]
        if works := self.estimators[name].shared().values():
            yield f"{folder}/combine_shared/{place}/{name}.tsv"
            jobs = [f"share_passes/{place}/{work.name}" for work in works]
        for job, shard in itertools.product(jobs, self.shards):
            yield self.sharded(f"{folder}/{job}.tsv").replace("{shard}", shard)


def growing(amount: int) -> Callable[[Wildcards, int], int]:
    """Return a resource of which a job that is tried again gets twice as much, then three times."""

    def for_attempt(wildcards: Wildcards, attempt: int) -> int:
        return amount * attempt

    return for_attempt


def one_of(names: Iterable[str]) -> str:
    """Return a pattern that matches these names and nothing else, even if there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"
