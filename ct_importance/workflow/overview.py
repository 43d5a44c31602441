"""What a run prints when it is done: the tables, and where everything lies."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ct_importance.cohort.labels.summary import describe_labels
from ct_importance.io.paths import StrPath


def print_overview(
    folder: StrPath,
    classifiers: Mapping[str, Sequence[str]],
    tables: Sequence[str],
    up_to_date: Collection[str],
) -> None:
    """Print where the labels of a run are from, its tables, and where its figures and logs are.

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
            print(f"\nClassifier{f' {name}' if several else ''}: {line}\n")
    label_file = folder / "cohort" / "label_summary.csv"
    if str(label_file) in up_to_date:
        with open(label_file, encoding="utf-8", newline="") as file:
            print("\n".join(describe_labels(list(csv.DictReader(file)))) + "\n")
    texts = {name: [folder / name / "tables" / f"{it}.md" for it in tables] for name in classifiers}
    across = [folder / "tables" / "classifiers.md"] if several else []
    every = [*(path for paths in texts.values() for path in paths), *across]
    shown = {path for path in every if str(path) in up_to_date}
    for name, paths in texts.items():
        of_classifier = [path for path in paths if path in shown]
        if several and of_classifier:
            print(f"Classifier {name}\n")
        for path in of_classifier:
            print(path.read_text(encoding="utf-8"))
    if shown:
        _print_places(folder, classifiers, [path for path in across if path in shown])
    old = [str(path) for path in every if path not in shown and path.is_file()]
    if old:
        print(f"Not made by this call, may be old: {', '.join(old)}")


def _print_places(folder: Path, classifiers: Iterable[str], across: Iterable[Path]) -> None:
    for name in classifiers:
        for what in ("Tables", "Figures"):
            print(f"{what + ':':9}{folder / name / what.lower()}/")
    for path in across:
        print(f"All classifiers side by side: {path}")
    print(f"Logs:    {folder / 'logs'}/")
    print(f"Kept and set aside: {folder / 'cohort' / 'summary.csv'}")


def _accuracies(evaluations: Sequence[Path]) -> Iterator[str]:
    """Yield how often a classifier is right on test slices, of all trainings in one line."""
    found = [json.loads(path.read_text(encoding="utf-8"))["test"] for path in evaluations]
    rates = [f"{test['balanced_accuracy']:.3f}" for test in found if test["n"]]
    if rates:
        trainings = f" (trainings 1 to {len(rates)})" if len(rates) > 1 else ""
        yield f"balanced accuracy {', '.join(rates)} on {found[0]['n']} test slices{trainings}"
