"""What a run prints when it is done: labels and tables, and where everything lies."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path

from scripts.cohort.labels import describe_labels


def print_overview(folder: str | os.PathLike, tables: Sequence[str]) -> None:
    """Print where the labels of a run are from, its tables, and where its figures and logs are.

    Args:
        folder: results/<run>.
        tables: Stems of the tables.
    """
    folder = Path(folder)
    evaluation_file = folder / "model" / "evaluation.json"
    texts = [folder / "tables" / f"{table}.md" for table in tables]
    if not evaluation_file.is_file() or not all(text.is_file() for text in texts):
        return
    test = json.loads(evaluation_file.read_text(encoding="utf-8"))["test"]
    print(
        f"\nClassifier: balanced accuracy {test['balanced_accuracy']:.3f} "
        f"on {test['n']} test slices\n"
        if test["n"]
        else ""
    )
    label_file = folder / "cohort" / "label_summary.csv"
    if label_file.is_file():
        with open(label_file, encoding="utf-8", newline="") as file:
            print("\n".join(describe_labels(list(csv.DictReader(file)))) + "\n")
    for text in texts:
        print(text.read_text(encoding="utf-8"))
    for what, name in (("Tables", "tables"), ("Figures", "figures"), ("Logs", "logs")):
        print(f"{what + ':':9}{folder / name}/")
    print(f"Kept and set aside: {folder / 'cohort' / 'index_summary.csv'}")
