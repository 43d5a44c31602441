"""Writes the summary of a run: for programs, for people and for the report."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from ct_importance.io.atomic import write_text
from ct_importance.io.digests import file_digest
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_frame, read_table
from ct_importance.metrics.jobs import lower_is_better
from ct_importance.report.jobs import SummaryJob
from ct_importance.report.landing import landing_text, readme_text
from ct_importance.report.provenance import git_commit, hardware, package_versions
from ct_importance.report.sentences import (
    VARIANT_WORDS,
    say_answer,
    say_classifiers,
    say_disagreement,
    say_flips,
    say_taus,
    say_warnings,
)
from ct_importance.report.tables.notes import table_warnings
from ct_importance.report.tables.paper import tau_with_paper
from ct_importance.report.warnings import model_warnings
from ct_importance.statistics.verdicts import pairs_of_merit
from ct_importance.task import Task

COLUMNS = ["patient_id", "label", "split", "sampled"]


@dataclass(frozen=True)
class RunFiles:
    """Where a run keeps what it found."""

    slices: StrPath
    classifiers: Sequence[StrPath]
    """Of each training of each classifier; likewise the next two."""
    predictions: Sequence[StrPath]
    evaluations: Sequence[StrPath]
    ranks: Sequence[StrPath]
    """A table per classifier."""
    taus: Sequence[StrPath]
    """Likewise."""
    values: Sequence[StrPath]
    """A table per metric, of each classifier."""
    across: Sequence[StrPath]
    """Of several classifiers, how all of them rank the estimators and how far they agree."""
    planted: Sequence[StrPath]
    """Of a run with signs on slices, the table of flips."""
    tables: Sequence[StrPath]
    """The tables of the report as CSV: one per metric and, of several trainings, their stability,
    of each classifier."""
    markdown: Sequence[StrPath]
    """The same for people to read."""
    environments: Sequence[StrPath]
    """The environments of the stages, which name the packages."""


def write_summary(
    job: SummaryJob,
    files: RunFiles,
    summary: StrPath,
    readme: StrPath,
    landing: StrPath,
) -> None:
    """Write what a run is and says.

    Args:
        job: The configuration as it may be shared, and the metrics in the order of
            `RunFiles.values`.
        files: Where everything is.
        summary: The JSON to write.
        readme: The same for people, as Markdown.
        landing: The first page of the report, as reStructuredText.
    """
    found = summarise_run(job, files)
    texts = [Path(path).read_text(encoding="utf-8") for path in files.markdown]
    markdown = dict(zip(found["classifiers"], _shared_out(texts, _tables(job)), strict=True))
    write_text(summary, json.dumps(found, indent=2, allow_nan=False) + "\n")
    write_text(readme, readme_text(found, markdown))
    write_text(landing, landing_text(found))


def summarise_run(job: SummaryJob, files: RunFiles) -> dict[str, Any]:
    """Return what `write_summary` writes as JSON."""
    trainings = [one.trainings for one in job.classifiers]
    by_classifier = zip(
        job.classifiers,
        files.ranks,
        files.taus,
        _shared_out(files.classifiers, trainings),
        _shared_out(files.predictions, trainings),
        _shared_out(files.evaluations, trainings),
        _shared_out(files.values, [len(job.metrics)] * len(job.classifiers)),
        _shared_out(files.tables, _tables(job)),
        strict=True,
    )
    return {
        "run": job.config["run"],
        "seed": job.config["seed"],
        "data": _count_data(files.slices, job.task),
        "classifiers": {
            one.name: {"is_trained_here": one.is_trained_here, **_summarise(job, *of_one)}
            for one, *of_one in by_classifier
        },
        **({"across_classifiers": _compare(*files.across)} if files.across else {}),
        **({"planted": _flips(job, *files.planted)} if files.planted else {}),
        "metrics": {one.name: one.metric.describe(job.task) for one in job.metrics},
        "controls": list(job.controls),
        "digests": {"slices": file_digest(files.slices)},
        "code": git_commit(Path.cwd()),
        "packages": package_versions(_packages(files.environments)),
        "hardware": hardware(),
        "config": job.config,
    }


def _summarise(
    job: SummaryJob,
    ranks: StrPath,
    taus: StrPath,
    classifiers: Sequence[StrPath],
    predictions: Sequence[StrPath],
    evaluations: Sequence[StrPath],
    values: Sequence[StrPath],
    tables: Sequence[StrPath],
) -> dict[str, Any]:
    """Return what was found of one classifier."""
    ranked, agreed = read_frame(ranks), read_frame(taus)
    trainings = [json.loads(Path(path).read_text(encoding="utf-8")) for path in evaluations]
    warnings = {
        one.name: table_warnings(one, job.statistics, job.task, read_frame(path), trainings)
        for one, path in zip(job.metrics, values, strict=True)
    }
    lower, pairs = lower_is_better(job.metrics), pairs_of_merit(agreed, ranked)
    return {
        "answer": say_answer(ranked, job.controls),
        "trainings": trainings,
        "warnings": say_warnings(model_warnings(trainings, job.task), warnings),
        "findings": [
            sentence
            for variant in VARIANT_WORDS
            for sentence in say_disagreement(ranked, variant, lower) + say_taus(pairs, variant)
        ],
        "tables": {Path(path).stem: _records(pd.read_csv(path)) for path in tables},
        "digests": {
            "classifier": [file_digest(path) for path in classifiers],
            "predictions": [file_digest(path) for path in predictions],
        },
    }


def _compare(ranks: StrPath, agreement: StrPath) -> dict[str, Any]:
    """Return what was found of several classifiers together."""
    ranked = read_frame(ranks)
    agreed = pd.concat([read_frame(agreement), tau_with_paper(ranked)], ignore_index=True)
    return {
        "findings": [
            sentence
            for variant in VARIANT_WORDS
            for sentence in say_classifiers(ranked, agreed, variant)
        ],
        "agreement": _records(agreed),
    }


def _flips(job: SummaryJob, flips: StrPath) -> dict[str, Any]:
    """Return whether classifiers use the signs that were put on their slices."""
    table = read_frame(flips)
    return {"findings": say_flips(table, job.planted), "flips": _records(table)}


def _tables(job: SummaryJob) -> list[int]:
    """Return how many tables each classifier has: one per metric, and one of its trainings."""
    return [len(job.metrics) + (one.trainings > 1) for one in job.classifiers]


def _shared_out(files: Sequence[Any], counts: Sequence[int]) -> list[list[Any]]:
    """Return the first files as the first list, as many as its count says, and so on."""
    rest = iter(files)
    return [list(islice(rest, count)) for count in counts]


def _count_data(slices: StrPath, task: Task) -> dict[str, Any]:
    rows = read_table(slices, columns=COLUMNS).to_pylist()
    labels = Counter(row["label"] for row in rows)
    split_of = {row["patient_id"]: row["split"] for row in rows}
    return {
        "slices": len(rows),
        "patients": len(split_of),
        "slices_by_class": {name: labels[label] for label, name in enumerate(task.classes)},
        "patients_by_split": dict(sorted(Counter(split_of.values()).items())),
        "slices_evenly_spaced": sum(row["sampled"] for row in rows),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    records: list[dict[str, Any]]
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    return records


def _packages(environments: Sequence[StrPath]) -> set[str]:
    texts = [Path(path).read_text(encoding="utf-8") for path in environments]
    return {name for text in texts for name in re.findall(r"- ([\w.-]+)==", text)}
