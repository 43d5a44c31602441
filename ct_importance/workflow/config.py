"""The models of config.yaml, and one clear message for whatever is wrong in it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from ct_importance.classifier.source import Source
from ct_importance.cohort.options import CohortOptions
from ct_importance.errors import InputError
from ct_importance.metrics.metric import Metric
from ct_importance.options import Options
from ct_importance.plugins import KindName, load, name_of, names
from ct_importance.report.options import ReportOptions
from ct_importance.saliency.estimator import Estimator
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import Task, key_of
from ct_importance.workflow.labelling import check_labelling
from ct_importance.workflow.messages import explain, not_known

TABLE_PARTS = ("details", "comparisons")
"""Of the table of a metric, in files of their own."""
RESERVED = frozenset(
    {
        *("benchmarks", "ceiling", "cohort", "figures", "logs", "readers"),
        *("phantom", "planted", "slices", "statistics", "tables"),
    }
)
"""Folders of results/<run>/ that are none of a classifier."""


class SaliencyOptions(Options):
    """What all estimators have in common."""

    target: Literal["logit", "probability"] = "logit"
    """The activation that is explained: the output before the sigmoid, or after it."""


class RunOptions(Options):
    """Every key of config.yaml."""

    run: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=100)
    """Name of the run: results go to results/<run>/."""
    data_dir: str = "."
    """Where relative paths of the cohort section start."""
    seed: int = Field(0, ge=0)
    """Seed of everything that is random: phantom, split, training, noise, ties."""
    shards: int = Field(1, ge=1, le=100)
    """Jobs among which the slices are divided for each estimator and each metric, so that several
    GPUs work on one of them at once. Results do not depend on it."""
    task: Task = Task()
    """What the classifier tells apart."""
    cohort: CohortOptions = CohortOptions()
    classifiers: dict[str, dict[str, Any] | None] = {"resnet50": {}}
    """Name -> options of the classifier; null leaves it out. Key `source` says where it comes from
    (default: architecture, a network of the entry's name that is trained here)."""
    replicates: int = Field(1, ge=1, le=100)
    """Trainings of each classifier that is trained here: replicate r has the seed + r - 1."""
    saliency: SaliencyOptions = SaliencyOptions()
    estimators: dict[str, dict[str, Any] | None]
    """Name -> options of the estimator of that name (or of `method`, to run one with several
    settings side by side); null leaves it out."""
    metrics: dict[str, dict[str, Any] | None]
    """Name -> options of the metric of that name (or of `method`, likewise); null leaves it out."""
    statistics: StatisticsOptions = StatisticsOptions()
    report: ReportOptions = ReportOptions()

    @field_validator("run")
    @classmethod
    def _results_are_its_own(cls, run: str) -> str:
        if run.casefold() == "slurm_logs":
            raise ValueError("results/slurm_logs/ holds what SLURM says: take another name")
        return run

    @field_validator("classifiers")
    @classmethod
    def _folders_are_their_own(cls, entries: dict[str, Any]) -> dict[str, Any]:
        for name in entries:
            if name.casefold() in RESERVED:
                raise ValueError(f"results/<run>/{name}/ holds other results: take another name")
        return entries

    @field_validator("classifiers", "estimators", "metrics")
    @classmethod
    def _names_are_file_names(cls, entries: dict[str, Any]) -> dict[str, Any]:
        for name in entries:
            if not re.fullmatch("[A-Za-z0-9_]{1,100}", name):
                raise ValueError(f"{name[:100]!r}: use at most 100 letters, digits and underscores")
        if all(entry is None for entry in entries.values()):
            raise ValueError("name at least one")
        return entries


@dataclass(frozen=True)
class Config:
    """A validated configuration; classifiers, estimators and metrics that are null are left out."""

    options: RunOptions
    classifiers: dict[str, Source]
    """By the name of the entry."""
    estimators: dict[str, Estimator]
    """By the name of the entry."""
    metrics: dict[str, Metric]
    """By the name of the entry."""

    def data_path(self, path: str) -> str:
        """Return a path of the cohort section, taken from `data_dir` if it is relative."""
        return str(Path(self.options.data_dir).expanduser() / Path(path).expanduser())


def parse_config(raw: Mapping[str, Any]) -> Config:
    """Validate a configuration as Snakemake hands it over.

    Raises:
        InputError: With a line per mistake: the key, what is wrong, and what was perhaps meant.
    """
    if "model" in raw:
        raise InputError(_new_spelling(raw["model"]))
    options = _validate(RunOptions, dict(raw), "")
    check_labelling(options.task, options.cohort.given_datasets, options.cohort.phantom)
    config = Config(
        options=options,
        classifiers={
            name: _classifier(name, entry, options.task)
            for name, entry in options.classifiers.items()
            if entry is not None
        },
        estimators={
            name: _estimator(name, entry, options.task)
            for name, entry in options.estimators.items()
            if entry is not None
        },
        metrics={
            name: _chosen("metric", name, entry)
            for name, entry in options.metrics.items()
            if entry is not None
        },
    )
    _check_planted(config)
    _check_gradients(config)
    _check_report(config)
    _check_estimators(config)
    return config


def _check_planted(config: Config) -> None:
    """Check that signs are put on slices of a class there is, and can be learnt where they are."""
    task = config.options.task
    for name, source in config.classifiers.items():
        where = f"config: classifiers.{name}.planted"
        if source.planted is None:
            continue
        if key_of(source.planted.in_class) not in task.keys:
            raise InputError(
                f"{where}.in_class: {not_known(source.planted.in_class, task.classes)}"
            )
        if source.planted.dose and not source.is_trained_here:
            raise InputError(
                f"{where}.dose: is the share of the training patients, and this classifier is not "
                "trained here; set it to 0 to see whether it minds the sign"
            )


def _check_gradients(config: Config) -> None:
    """Check that estimators ask classifiers for no more than they give."""
    lacking = [name for name, it in config.classifiers.items() if not it.gives_gradients]
    wanting = [name for name, it in config.estimators.items() if not it.only_asks]
    if lacking and wanting:
        without = ", ".join(f"{name}: null" for name in wanting)
        raise InputError(
            f"config: classifiers.{lacking[0]}: gives no gradients, which {', '.join(wanting)} "
            f"need; leave them out of this run (estimators: {{{without}}}), or bring the network "
            "in another form, e.g. `source: program`"
        )


def _check_report(config: Config) -> None:
    """Check that the report names estimators and classes that there are."""
    report, task = config.options.report, config.options.task
    for key in ("figure1_estimator", "figure3_estimator"):
        name = getattr(report, key)
        if name is not None and name not in config.estimators:
            raise InputError(f"config: report.{key}: {not_known(name, config.estimators)}")
    for name in report.example_slices:
        where = f"config: report.example_slices.{name}"
        if key_of(name) not in task.keys:
            raise InputError(f"{where}: {not_known(name, sorted(task.keys))}")
        if sum(key_of(name) == key_of(other) for other in report.example_slices) > 1:
            raise InputError(f"{where}: names a class twice; name one slice of it")


def _check_estimators(config: Config) -> None:
    """Check that each estimator can explain each network that is known by now."""
    for estimator, classifier in product(config.estimators, config.classifiers):
        parts = config.classifiers[classifier].parts
        why = None if parts is None else config.estimators[estimator].unfit(parts)
        if why is not None:
            raise InputError(
                f"config: estimators.{estimator} cannot explain classifiers.{classifier}: {why}; "
                f"write {estimator}: null under estimators to leave it out"
            )


def tables_of(metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Return the metric of each table of the report, by the table's name.

    A metric that runs under another name than its own has a table of that name.

    Args:
        metrics: By the name of the entry.

    Raises:
        InputError: If two metrics name the same table: one would overwrite the other's.
    """
    tables: dict[str, str] = {}
    files: dict[str, str] = {}
    for name, metric in metrics.items():
        table = metric.table if name == name_of(type(metric)) else f"table_{name}"
        for file in (table, *(f"{table}_{part}" for part in TABLE_PARTS)):
            if file in files:
                raise InputError(
                    f"config: metrics.{name}: its table would be {file}, one of metrics."
                    f"{files[file]}; give the entry another name, or its class another `table`"
                )
            files[file] = name
        tables[table] = name
    return tables


def _new_spelling(model: Any) -> str:
    """Return what to write in place of the section `model` of older configurations."""
    text = yaml.safe_dump({"classifiers": {"resnet50": model or {}}}, sort_keys=False)
    return (
        "config: model: is now the entry resnet50 of classifiers, of which there can be several; "
        f"write\n{textwrap.indent(text, '    ')}Files of results/<run>/model/ are now in "
        "results/<run>/resnet50/1/."
    )


def _classifier(name: str, entry: dict[str, Any], task: Task) -> Source:
    entry, key = dict(entry), f"classifiers.{name}"
    if "classes" in entry:
        raise InputError(f"config: {key}.classes: is no key of a classifier, but one of task")
    method = entry.pop("source", "architecture")
    if method not in names("source"):
        raise InputError(f"config: {key}.source: {not_known(method, names('source'))}")
    if method == "architecture":
        entry = {"architecture": name, **entry}
    entry["classes"] = len(task.classes)
    source: Source = _validate(load("source", method), entry, key)
    return source


def _chosen(kind: KindName, name: str, entry: dict[str, Any]) -> Any:
    """Return the estimator or the metric of an entry."""
    entry, key = dict(entry), f"{kind}s.{name}"
    method = entry.pop("method", name)
    if method not in names(kind):
        raise InputError(f"config: {key}: {not_known(method, names(kind))}")
    if name in names(kind) and method != name:
        raise InputError(
            f"config: {key}: there is a {kind} {name!r}, and this entry is of {method!r}; "
            "give it another name"
        )
    return _validate(load(kind, method), entry, key)


def _estimator(name: str, entry: dict[str, Any], task: Task) -> Estimator:
    if len(task.classes) > 2:
        # The paper explains one logit by some estimators; of more classes, the last is one of many.
        entry = {"target": "predicted", **entry}
    estimator: Estimator = _chosen("estimator", name, entry)
    targets = ["predicted", "true", "last", *task.classes]
    if estimator.target not in targets:
        raise InputError(
            f"config: estimators.{name}.target: {not_known(estimator.target, targets)}"
        )
    return estimator


def canonical_json(job: Options) -> str:
    """Return what a rule is asked to do as JSON with sorted keys, to stand as its param."""
    return json.dumps(job.model_dump(mode="json"), sort_keys=True)


def _validate(model: type[Options], content: Mapping[str, Any], where: str) -> Any:
    try:
        options = model.model_validate(content)
    except ValidationError as error:
        lines = explain(model, error.errors(), content, where)
        raise InputError("\n".join(["config: " + lines[0], *lines[1:]])) from None
    # pydantic takes true for 1; if all else were strict, numbers of the command line would be text.
    for key, value in _truths_taken_for_numbers(content, options.model_dump(), where):
        raise InputError(
            f"config: {key}: must be a number, or text in quotes (it is {json.dumps(value)})"
        )
    return options


def _truths_taken_for_numbers(given: Any, taken: Any, where: str) -> Iterator[tuple[str, bool]]:
    """Yield the keys at which true or false was given, and something else was made of it."""
    if isinstance(given, Mapping) and isinstance(taken, Mapping):
        for key in given.keys() & taken.keys():
            path = f"{where}.{key}" if where else key
            yield from _truths_taken_for_numbers(given[key], taken[key], path)
    elif isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        for entry, made in zip(given, taken, strict=False):
            yield from _truths_taken_for_numbers(entry, made, where)
    elif isinstance(given, bool) and not isinstance(taken, bool):
        yield where, given


def config_schema() -> str:
    """Return the JSON schema of config.yaml, as schemas/config.schema.json holds it."""
    schema = RunOptions.model_json_schema()
    for kind in ("estimator", "metric"):
        schema["properties"][f"{kind}s"] |= _entries_schema(kind, schema["$defs"])
    schema["properties"]["classifiers"] |= _classifiers_schema(schema["$defs"])
    return json.dumps(schema, indent=2) + "\n"


def _classifiers_schema(definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of classifiers: those that name no source are trained here."""
    found: list[dict[str, Any]] = []
    for name in names("source"):
        reference = _method_schema("source", name, "source", definitions)
        is_default = name == "architecture"
        found.append(reference if is_default else {"allOf": [reference], "required": ["source"]})
    # What an entry leaves out, its name says.
    definitions["source_architecture"].pop("required", None)
    return {
        "additionalProperties": {"anyOf": [*found, {"type": "null"}]},
        "propertyNames": {"pattern": "^[A-Za-z0-9_]{1,100}$"},
    }


def _method_schema(
    kind: KindName, name: str, key: str, definitions: dict[str, Any]
) -> dict[str, Any]:
    """Return a reference to the schema of the keys of a class, which names itself under `key`."""
    keys = load(kind, name).model_json_schema()
    definitions |= keys.pop("$defs", {})
    method = {"const": name, "description": f"The {kind} of this name."}
    keys["properties"] = {key: method} | keys["properties"]
    definitions[f"{kind}_{name}"] = keys
    return {"$ref": f"#/$defs/{kind}_{name}"}


def _entries_schema(kind: KindName, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of entries: those named as a method are of it, others name theirs."""
    named, others = {}, []
    for name in names(kind):
        reference = _method_schema(kind, name, "method", definitions)
        named[name] = {"anyOf": [reference, {"type": "null"}]}
        others.append({"allOf": [reference], "required": ["method"]})
    return {
        "properties": named,
        "additionalProperties": {"anyOf": [*others, {"type": "null"}]},
        "propertyNames": {"pattern": "^[A-Za-z0-9_]{1,100}$"},
    }
