"""What a run prints when it is done: the tables, the answer, and where everything lies."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ct_importance.cohort.labels.summary import describe_labels
from ct_importance.compute.progress import wrapped
from ct_importance.io.paths import StrPath


def print_overview(
    folder: StrPath,
    classifiers: Mapping[str, Sequence[str]],
    tables: Sequence[str],
    up_to_date: Collection[str],
) -> None:
    """Print where the labels of a run are from, its tables, the answer, and where to look further.

    Args:
        folder: results/<run>.
        classifiers: Trainings of each classifier.
        tables: Stems of the tables.
        up_to_date: Files that are not older than what they are made of, if they are there: a call
            may end before it makes them. Others are not shown.
    """
    up_to_date = {path for path in up_to_date if Path(path).is_file()}
    folder, several = Path(folder), len(classifiers) > 1
    for name, trainings in classifiers.items():
        files = [folder / name / training / "evaluation.json" for training in trainings]
        for line in _accuracies([file for file in files if str(file) in up_to_date]):
            print(f"\nClassifier{f' {name}' if several else ''}: {line}")
    label_file = folder / "cohort" / "label_summary.csv"
    if str(label_file) in up_to_date:
        with open(label_file, encoding="utf-8", newline="") as file:
            said = describe_labels(list(csv.DictReader(file)))
        print("\n" + "\n".join(line for text in said for line in wrapped(text, "  ")))
    texts = {name: [folder / name / "tables" / f"{it}.md" for it in tables] for name in classifiers}
    across = [folder / "tables" / "classifiers.md"] if several else []
    every = [*(path for paths in texts.values() for path in paths), *across]
    shown = {path for path in every if str(path) in up_to_date}
    for name, paths in texts.items():
        pages = [path.read_text(encoding="utf-8") for path in paths if path in shown]
        if several and pages:
            print(f"\nClassifier {name}")
        _print_pages(pages)
    for line in _answers(folder / "summary.json", several, up_to_date):
        print("\n" + "\n".join(wrapped(line)))
    plan = folder / "cohort" / "plan_summary.csv"
    if not shown and str(plan) in up_to_date:
        print(f"\nKept and set aside: {plan}")
    if shown:
        print("\n" + "\n".join(_places(folder, classifiers, up_to_date)))
    old = [str(path) for path in every if path not in shown and path.is_file()]
    if old:
        print(f"Not made by this call, may be old: {', '.join(old)}")


def _answers(summary: Path, several: bool, up_to_date: Collection[str]) -> Iterator[str]:
    """Yield who leads, by each classifier: the first sentence of the README of the run."""
    if str(summary) in up_to_date:
        found = json.loads(summary.read_text(encoding="utf-8"))["classifiers"]
        for name, one in found.items():
            if one["answer"]:
                yield f"Answer{f' by {name}' if several else ''}: {one['answer']}"


def _print_pages(pages: Sequence[str]) -> None:
    """Print the tables of a classifier, then the warnings of all of them, each once."""
    for page in pages:
        print("\n" + "\n".join(table_lines(page)))
    lines = [line for page in pages for line in page.splitlines()]
    for warning in dict.fromkeys(line for line in lines if line.startswith("> ")):
        print("\n" + "\n".join(wrapped(warning.removeprefix("> "))))


def table_lines(page: str) -> Iterator[str]:
    r"""Yield a table of Markdown as aligned text, below the first sentence of its caption.

    Example:
        >>> page = "**AUC of maps. Computed on 8 slices.**\n\n| Estimator | AUC |\n|---|---:|\n"
        >>> for line in table_lines(page + "| Random | 0.5 a |\n| SmoothGrad | 0.75 b |\n"):
        ...     print(line)
        AUC of maps
        <BLANKLINE>
        Estimator      AUC
        Random       0.5 a
        SmoothGrad  0.75 b
    """
    rows: list[list[str]] = []
    for line in [*page.splitlines(), ""]:
        if line.startswith("| "):
            cells = re.split(r"(?<!\\)\|", line.strip()[1:-1])
            rows.append([cell.strip(" *").replace("\\|", "|") for cell in cells])
            continue
        if rows and not line.startswith("|"):
            yield from _aligned(rows)
            rows = []
        if line.startswith("**"):
            yield from wrapped(line.strip("*").partition(". ")[0].removesuffix("."))
            yield ""


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        numbers = zip(others, widths[1:], strict=True)
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in numbers)]
        yield "  ".join(cells).rstrip()


def _places(folder: Path, classifiers: Iterable[str], up_to_date: Collection[str]) -> Iterator[str]:
    """Yield where to look further, what is opened first at the top."""
    places = [("Read", folder / "README.md")]
    for name in classifiers:
        places += [
            ("Look through the maps", folder / name / "explorer.html"),
            ("Tables", folder / name / "tables"),
            ("Figures", folder / name / "figures"),
        ]
    places += [
        ("Maps of all classifiers", folder / "explorer.html"),
        ("All classifiers side by side", folder / "tables" / "classifiers.md"),
        ("Planted signs", folder / "tables" / "planted.md"),
        ("Kept and set aside", folder / "cohort" / "summary.csv"),
        ("Logs", folder / "logs"),
    ]
    there = [(what, path) for what, path in places if path.is_dir() or str(path) in up_to_date]
    width = max(len(what) for what, _ in there) + 3
    for what, path in there:
        yield f"{what + ':':<{width}}{path}{'/' if path.is_dir() else ''}"
    yield "A report in one file: run the same command with --report report.html behind it"


def _accuracies(evaluations: Sequence[Path]) -> Iterator[str]:
    """Yield how often a classifier is right on test slices, of all trainings in one line."""
    found = [json.loads(path.read_text(encoding="utf-8"))["test"] for path in evaluations]
    rates = [f"{test['balanced_accuracy']:.3f}" for test in found if test["n"]]
    if rates:
        trainings = f" (trainings 1 to {len(rates)})" if len(rates) > 1 else ""
        yield f"balanced accuracy {', '.join(rates)} on {found[0]['n']} test slices{trainings}"
