"""The files of the report."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from ct_importance.report.figure import ACROSS, OF_METRIC, Figure, Outline, figures_of
from ct_importance.report.markup import escape_rst
from ct_importance.workflow.config import TABLE_PARTS, Config
from ct_importance.workflow.layout.grid import Wildcards
from ct_importance.workflow.layout.saliency import SaliencyFiles

FORMATS = ("svg", "pdf", "png")


class ReportFiles(SaliencyFiles):
    """Where tables and figures are, and what they are made of."""

    def __init__(self, config: Config) -> None:
        """Lay out a run.

        Raises:
            InputError: If a path of the user cannot be read, or a metric or a figure cannot be
                had.
        """
        super().__init__(config)
        self.figures = {name: figures_of(self._outline(name)) for name in self.classifiers}
        self.figures_across = figures_of(self._outline(*self.classifiers, across=True))

    def _outline(self, *classifiers: str, across: bool = False) -> Outline:
        """Return what figures ask for of one classifier, or of all together."""
        return Outline(
            estimators=tuple(self.estimators),
            metrics=self.chosen_metrics,
            has_masks=self.has_masks,
            is_trained_here=all(self.classifiers[it].is_trained_here for it in classifiers),
            task=self.options.task,
            statistics=self.options.statistics,
            report=self.options.report,
            controls=self.controls(),
            classifiers=classifiers,
            across=across,
            planted=self.planted_of,
        )

    def across(self, *paths: str) -> list[str]:
        """Return files that compare the classifiers; none where there is one.

        Args:
            paths: From the folder of the run.
        """
        return [f"{self.folder}/{path}" for path in paths if len(self.classifiers) > 1]

    def explorers_of_all(self) -> list[str]:
        """Return the page of the maps of several classifiers, if they see the same slices."""
        return self.across("explorer.html") if self.test_alike else []

    def flips(self) -> list[str]:
        """Return the table of flips, of a run with signs on slices."""
        return [f"{self.folder}/statistics/flips.parquet"] if self.planted_of else []

    def evaluations(self, wildcards: Wildcards) -> list[str]:
        """Return how good each training of a classifier is."""
        return self.of_replicates(wildcards.classifier, "evaluation.json")

    def paper_tables(self, suffix: str) -> list[str]:
        """Return the table of each metric, and that of several trainings, by classifier."""
        return [
            f"{self.folder}/{name}/tables/{table}.{suffix}"
            for name in self.classifiers
            for table in (*self.tables, *(["stability"] if name in self.repeated() else []))
        ]

    def table_files(self) -> list[str]:
        """Return the tables of the report as CSV."""
        stems = [
            f"{it}{part}"
            for it in self.tables
            for part in ("", *(f"_{part}" for part in TABLE_PARTS))
        ]
        stems += ["agreement", "ranks", "cost"]
        stability = [f"{self.folder}/{name}/tables/stability.csv" for name in self.repeated()]
        found = self.of_classifiers(*(f"tables/{it}.csv" for it in stems))
        planted = [f"{self.folder}/tables/planted.csv"] if self.planted_of else []
        return [*found, *stability, *self.across("tables/classifiers.csv"), *planted]

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
            f"{folder}/figures/{name}.{suffix}"
            for folder, figures in (
                *((f"{self.folder}/{name}", figures) for name, figures in self.figures.items()),
                (self.folder, self.figures_across),
            )
            for name in figures
            for suffix in FORMATS
        ]

    def figure_folders(self) -> list[str]:
        """Return the folders of figures, from that of the run: of each classifier, and of all."""
        across = ["figures"] if self.figures_across else []
        return [*(f"{name}/figures" for name in self.classifiers), *across]

    def caption_files(self) -> list[str]:
        """Return the captions of the figures, a file per folder."""
        return [f"{self.folder}/{place}/captions.md" for place in self.figure_folders()]

    def figure_names(self) -> set[str]:
        """Return the names of all figures."""
        return set().union(*self.figures.values(), self.figures_across)

    def figure_of(self, wildcards: Wildcards) -> Figure:
        """Return the figure of a job: of a classifier, or of all where it names none."""
        classifier = getattr(wildcards, "classifier", None)
        figures = self.figures[classifier] if classifier else self.figures_across
        return figures[wildcards.figure]

    def tables_of_figure(self, wildcards: Wildcards) -> dict[str, str]:
        """Return the tables that a figure is drawn from, by name; those of the first training."""
        figure = self.figure_of(wildcards)
        if figure.across:
            folders = {
                name: "" if name in ("slices", "segments") else "statistics/" for name in ACROSS
            }
            return {name: f"{self.folder}/{folders[name]}{name}.parquet" for name in figure.reads}
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
        if name in ("slices", "segments"):
            return self.seen(f"{name}.parquet")(SimpleNamespace(classifier=classifier))
        places = {
            "predictions": f"{classifier}/1/predictions",
            "training": f"{classifier}/1/classifier/training",
            "ranks": f"{classifier}/statistics/ranks",
        }
        return f"{self.folder}/{places[name]}.parquet"

    def exported(self) -> list[str]:
        """Return the folders with maps for viewers, of each training and estimator."""
        return [
            folder for name in self.estimators for folder in self.of_trainings(f"export/{name}")
        ]

    def category_of_figure(self, wildcards: Wildcards) -> str:
        """Return where the report lists a figure."""
        return self.figure_of(wildcards).category

    def labels_of_figure(self, wildcards: Wildcards) -> dict[str, str]:
        """Return what the report lists a figure as."""
        figure = self.figure_of(wildcards)
        return figure.labels if figure.across else self.of_classifier(wildcards) | figure.labels

    def caption_of_figure(self, wildcards: Wildcards) -> str:
        """Return how to read a figure, as reStructuredText."""
        return escape_rst(self.figure_of(wildcards).whole_caption)
