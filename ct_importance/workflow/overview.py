"""What a run prints when it is done: the tables, and where everything lies."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from ct_importance.cohort.labels.summary import describe_labels


def print_overview(
    folder: str | os.PathLike, tables: Sequence[str], up_to_date: Collection[str]
) -> None:
    """Print where the labels of a run are from, its tables, and where its figures and logs are.

    Args:
        folder: results/<run>.
        tables: Stems of the tables.
        up_to_date: Files that are not older than what they are made of; others are not shown.
    """
    folder = Path(folder)
    evaluation_file = folder / "model" / "evaluation.json"
    if str(evaluation_file) in up_to_date:
        test = json.loads(evaluation_file.read_text(encoding="utf-8"))["test"]
        if test["n"]:
            print(
                f"\nClassifier: balanced accuracy {test['balanced_accuracy']:.3f} "
                f"on {test['n']} test slices\n"
            )
    label_file = folder / "cohort" / "label_summary.csv"
    if str(label_file) in up_to_date:
        with open(label_file, encoding="utf-8", newline="") as file:
            print("\n".join(describe_labels(list(csv.DictReader(file)))) + "\n")
    texts = [folder / "tables" / f"{table}.md" for table in tables]
    shown = [text for text in texts if str(text) in up_to_date]
    for text in shown:
        print(text.read_text(encoding="utf-8"))
    if shown:
        for what, name in (("Tables", "tables"), ("Figures", "figures"), ("Logs", "logs")):
            print(f"{what + ':':9}{folder / name}/")
        print(f"Kept and set aside: {folder / 'cohort' / 'summary.csv'}")
    old = [str(text) for text in texts if text not in shown and text.is_file()]
    if old:
        print(f"Not made by this call, may be old: {', '.join(old)}")
