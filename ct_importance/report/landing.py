"""Pages of a run: the first, for the report and for its folder, and that of all captions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ct_importance.io.atomic import write_text
from ct_importance.io.paths import StrPath
from ct_importance.report.jobs import CaptionsJob
from ct_importance.report.markup import escape_markdown, escape_rst
from ct_importance.report.names import display_name, metric_name
from ct_importance.report.sentences import join

READING = (
    "Where the paper is silent the choice is this project's; its docs/paper.md lists all of them.",
    "Every map is judged twice: as it is (original) and by its absolute values.",
    "Intervals resample patients, and comparisons exchange their results, never those of single "
    "slices: slices of a patient are alike. Of several trainings of a classifier, both know how "
    "far these differ; of one, how far trainings differ is not known.",
)

SIDE_BY_SIDE = """[Ranks by each classifier, and how far they agree](tables/classifiers.md)

![Rank of each estimator by classifier and metric](figures/classifiers.svg)"""

OF_SIGNS = "[On slices whose answer changes without the sign](tables/planted.md)"

# Snakemake centres this page in the window. Of a page larger than it, be it by the graph of rules
# beside the text, the top and the left could not be scrolled to.
STYLE = """.. raw:: html

   <style>
   .h-screen.items-center { align-items: safe center; justify-content: safe center }
   .h-screen.items-center > div { flex-wrap: wrap }
   </style>"""


def landing_text(summary: Mapping[str, Any]) -> str:
    """Return the first page of the Snakemake report.

    Args:
        summary: Content of summary.json.
    """
    title = f"Which importance estimator explains this CT classifier best? Run {summary['run']}"
    parts = [STYLE, _rst_title(title, "=")]
    for heading, lines in _sections(summary).items():
        parts += [_rst_title(heading, "-"), "\n".join(f"- {escape_rst(line)}" for line in lines)]
    return "\n\n".join(parts) + "\n"


def readme_text(summary: Mapping[str, Any], tables: Mapping[str, Sequence[str]]) -> str:
    """Return the README.md of a run.

    Args:
        summary: Content of summary.json.
        tables: Tables as Markdown, by classifier.
    """
    parts = [f"# Run {summary['run']}"]
    for heading, lines in _sections(summary).items():
        listed = "\n".join(f"- {escape_markdown(line)}" for line in lines)
        parts += [f"## {heading}", listed]
    for name, texts in tables.items():
        parts += [f"## Tables{_whose(name, summary)}", *(table.strip() for table in texts)]
    if "across_classifiers" in summary:
        parts += ["## All classifiers side by side", SIDE_BY_SIDE]
    if "planted" in summary:
        parts += ["## What maps show of the signs, and which metric knew", OF_SIGNS]
    parts += ["## Where it comes from", _provenance(summary)]
    configuration = json.dumps(summary["config"], indent=2)
    parts += ["## Configuration", f"```json\n{configuration}\n```"]
    return "\n\n".join(parts) + "\n"


def write_captions(job: CaptionsJob, path: StrPath) -> None:
    """Write the heading, the name of the files and the caption of each figure, as Markdown.

    Args:
        job: The figures, in their order.
        path: File to write.
    """
    parts = ["# Captions"]
    for one in job.figures:
        parts += [f"## {escape_markdown(one.heading)}", f"Files: `{one.name}.*`"]
        parts.append(escape_markdown(one.caption))
    write_text(path, "\n\n".join(parts) + "\n")


def _sections(summary: Mapping[str, Any]) -> dict[str, list[str]]:
    sections = {
        f"The answer{_whose(name, summary)}": list(filter(None, [found["answer"]]))
        for name, found in summary["classifiers"].items()
    }
    sections["Data"] = _data(summary["data"])
    for name, found in summary["classifiers"].items():
        whose = _whose(name, summary)
        classes = list(summary["data"]["slices_by_class"])
        sections |= {
            f"Classifier{whose}": _classifier(
                found["trainings"], found["is_trained_here"], classes
            ),
            f"Warnings{whose}": found["warnings"],
            f"What it says{whose}": found["findings"],
        }
    if "across_classifiers" in summary:
        sections["Across classifiers"] = summary["across_classifiers"]["findings"]
    if "planted" in summary:
        sections["Planted signs"] = summary["planted"]["findings"]
    controls = [_controls(summary["controls"])] if summary["controls"] else []
    sections["How it is computed"] = [*_metrics(summary["metrics"]), *READING, *controls]
    return {heading: lines for heading, lines in sections.items() if lines}


def _whose(classifier: str, summary: Mapping[str, Any]) -> str:
    """Return what tells the headings of one classifier from those of others."""
    return f": {classifier}" if len(summary["classifiers"]) > 1 else ""


def _data(data: Mapping[str, Any]) -> list[str]:
    by_split = " and ".join(
        f"{count} for {name}" for name, count in data["patients_by_split"].items()
    )
    even = data["slices_evenly_spaced"]
    others = data["slices"] - even
    kinds = f": {even} evenly spaced and {others} more with a mask" if others else ""
    by_class = " and ".join(
        f'{count} of class "{name}"' for name, count in data["slices_by_class"].items()
    )
    return [
        f"{data['slices']} slices of {data['patients']} patients ({by_split}){kinds}. "
        f"They are {by_class}."
    ]


def _classifier(
    trainings: Sequence[Mapping[str, Any]], is_trained_here: bool, classes: Sequence[str]
) -> list[str]:
    lines = []
    for number, evaluation in enumerate(trainings, 1):
        whose = f"Training {number}: balanced" if len(trainings) > 1 else "Balanced"
        lines += [f"{whose} {text}" for text in _accuracies(evaluation, is_trained_here, classes)]
    return lines


def _accuracies(
    evaluation: Mapping[str, Any], is_trained_here: bool, classes: Sequence[str]
) -> list[str]:
    others = "training" if is_trained_here else "other"
    lines = []
    for name, part in (("test", evaluation["test"]), (others, evaluation["train"])):
        if part["n"] and part["balanced_accuracy"] is not None:
            rates = ", ".join(f"{what} {_rate(rate)}" for what, rate in _rates(part, classes))
            lines.append(
                f"accuracy {part['balanced_accuracy']:.3f} on {part['n']} evenly spaced "
                f"{name} slices ({rates})."
            )
    return lines


def _rates(part: Mapping[str, Any], classes: Sequence[str]) -> list[tuple[str, float | None]]:
    """Return how often the classifier is right on each class, of two by the usual names."""
    if len(classes) == 2:
        return [(key, part[key]) for key in ("sensitivity", "specificity")]
    return [
        (f'of class "{name}"', rate)
        for name, rate in zip(classes, part["accuracy_by_class"], strict=True)
    ]


def _metrics(texts: Mapping[str, str]) -> list[str]:
    """Return how each metric is computed; an entry of a name of its own says which one it is."""
    return [
        text if metric_name(name) != name else f"{name}: {text}" for name, text in texts.items()
    ]


def _controls(names: Sequence[str]) -> str:
    """Return which estimators are controls."""
    listed = join([display_name(name) for name in names])
    return (
        f"Controls are maps that know nothing of the classifier: {listed}. An estimator that does "
        "not surpass them explains nothing."
    )


def _rate(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.3f}"


def _provenance(summary: Mapping[str, Any]) -> str:
    hardware, code = summary["hardware"], summary["code"]
    installed = [f"{name} {version}" for name, version in summary["packages"].items() if version]
    lines = [
        f"Seed: {summary['seed']}",
        *(f"Digest of {name} (BLAKE2): {digest}" for name, digest in summary["digests"].items()),
        *_digests(summary),
        "Code: no git repository"
        if code is None
        else f"Code: commit {code['commit']}{', with changes' if code['changed'] else ''}",
        f"Written on: {hardware['processor']}, {hardware['cores']} cores, "
        f"{hardware['memory_gb']} GB, GPUs: {', '.join(hardware['gpus']) or 'none'}, "
        f"Python {hardware['python']}",
        f"Packages: {', '.join(installed)}",
    ]
    return "\n".join(f"- {escape_markdown(line)}" for line in lines)


def _digests(summary: Mapping[str, Any]) -> list[str]:
    """Return the digests of the files of each training."""
    several = len(summary["classifiers"]) > 1
    return [
        f"Digest of {what}{f' of {name}' if several else ''} (BLAKE2): {', '.join(digests)}"
        for name, found in summary["classifiers"].items()
        for what, digests in found["digests"].items()
    ]


def _rst_title(text: str, line: str) -> str:
    return f"{escape_rst(text)}\n{line * (2 * len(text))}"
