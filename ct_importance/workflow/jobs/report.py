"""What the rules of rules/report.smk are asked to do, each function named as its rule."""

from __future__ import annotations

from typing import Any

from ct_importance.metrics.jobs import lower_is_better
from ct_importance.plugins import name_of
from ct_importance.report.jobs import (
    AgreementJob,
    Caption,
    CaptionsJob,
    ClassifierOfRun,
    ClassifiersJob,
    CostJob,
    ExplorerJob,
    ExportJob,
    FigureJob,
    PlantedJob,
    StabilityJob,
    SummaryJob,
    TableJob,
)
from ct_importance.report.names import display_name
from ct_importance.report.provenance import shareable_config
from ct_importance.workflow.layout.report import ReportFiles


def plot_figure(study: ReportFiles, wildcards: Any) -> FigureJob:
    """Return which figure is drawn."""
    figure = study.figure_of(wildcards)
    return FigureJob(kind=name_of(type(figure)), options=figure.model_dump())


def plot_classifiers(study: ReportFiles, wildcards: Any) -> FigureJob:
    """Return which figure is drawn of all classifiers."""
    return plot_figure(study, wildcards)


def write_captions(study: ReportFiles, wildcards: Any) -> CaptionsJob:
    """Return the captions of the figures of one folder."""
    classifier, _, _ = wildcards.place.rpartition("/")
    figures = study.figures[classifier] if classifier else study.figures_across
    return CaptionsJob(
        figures=tuple(
            Caption(name=name, heading=one.heading, caption=one.whole_caption)
            for name, one in figures.items()
        )
    )


def write_table(study: ReportFiles, wildcards: Any) -> TableJob:
    """Return of which metric a table is."""
    return TableJob(
        table=wildcards.table,
        controls=study.controls(),
        metric=study.chosen_metrics[study.tables[wildcards.table]],
        statistics=study.options.statistics,
        task=study.options.task,
    )


def write_agreement(study: ReportFiles, wildcards: Any) -> AgreementJob:
    """Return which metrics are compared."""
    return AgreementJob(
        controls=study.controls(),
        metrics=tuple(study.chosen_metrics.values()),
        statistics=study.options.statistics,
        trainings=len(study.replicates(wildcards.classifier)),
    )


def write_stability(study: ReportFiles, wildcards: Any) -> StabilityJob:
    """Return of which metrics values are compared between trainings."""
    return StabilityJob(
        metrics=tuple(study.chosen_metrics.values()),
        statistics=study.options.statistics,
        trainings=len(study.replicates(wildcards.classifier)),
    )


def write_classifiers(study: ReportFiles, wildcards: Any) -> ClassifiersJob:
    """Return which classifiers are compared."""
    return ClassifiersJob(
        trainings={name: len(replicates) for name, replicates in study.trainings.items()},
        controls=study.controls(),
        statistics=study.options.statistics,
    )


def write_planted(study: ReportFiles, wildcards: Any) -> PlantedJob:
    """Return which classifiers see which sign."""
    return PlantedJob(
        planted=study.planted_of,
        controls=study.controls(),
        lower_is_better=tuple(lower_is_better(list(study.chosen_metrics.values()))),
        statistics=study.options.statistics,
    )


def write_cost(study: ReportFiles, wildcards: Any) -> CostJob:
    """Return what each estimator takes, and where its times are."""
    return CostJob(
        passes={name: one.passes for name, one in study.estimators.items()},
        complete=study.complete(),
        benchmarks={
            name: tuple(files) for name, files in study.benchmarks(wildcards.classifier).items()
        },
        subsets=tuple(study.explained()),
    )


def write_summary(study: ReportFiles, wildcards: Any) -> SummaryJob:
    """Return the configuration as it may be shared, and the metrics."""
    # Where masks give the labels, what else could is not asked, and its defaults are of contrast.
    unused: dict[str, Any] = {
        "cohort": {"datasets": {"__all__": {"labels"}}, "phantom": {"task": True}}
    }
    exclude = unused if study.options.task.label_from == "mask" else None
    return SummaryJob(
        config=shareable_config(study.options.model_dump(mode="json", exclude=exclude)),
        classifiers=tuple(
            ClassifierOfRun(
                name=name,
                trainings=len(study.replicates(name)),
                is_trained_here=source.is_trained_here,
            )
            for name, source in study.classifiers.items()
        ),
        metrics=tuple(study.chosen_metrics.values()),
        planted=study.planted_of,
        controls=study.controls(),
        statistics=study.options.statistics,
        task=study.options.task,
    )


def build_explorer(study: ReportFiles, wildcards: Any, run: str | None = None) -> ExplorerJob:
    """Return what the explorer shows."""
    return ExplorerJob(
        run=run or f"{study.run}, {wildcards.classifier}",
        estimators=tuple(study.estimators),
        subsets=tuple(study.explained()),
        slices=study.options.report.explorer_slices,
        controls=study.controls(),
        metrics=tuple(study.chosen_metrics.values()),
        hu_window=study.options.cohort.hu_window,
        task=study.options.task,
    )


def explore_classifiers(study: ReportFiles, wildcards: Any) -> ExplorerJob:
    """Return what the explorer of all classifiers shows: as many maps as that of one."""
    classifiers = tuple(study.classifiers)
    count = study.options.report.explorer_slices
    changes: dict[str, Any] = {"classifiers": classifiers}
    changes["slices"] = max(1, count // len(classifiers))
    if study.planted_of:
        # Training slices have the sign by one classifier, and not by another.
        changes["subsets"] = ("test",)
    job = build_explorer(study, wildcards, f"{study.run}, all classifiers")
    return job.model_copy(update=changes)


def export_maps(study: ReportFiles, wildcards: Any) -> ExportJob:
    """Return which maps are written, and as what."""
    name, classifier = wildcards.estimator, wildcards.classifier
    several = len(study.replicates(classifier)) > 1
    training = f", training {wildcards.replicate}" if several else ""
    return ExportJob(
        estimator=name,
        title=f"{display_name(name)} of {classifier}{training}",
        **study.options.report.export.model_dump(),
    )
