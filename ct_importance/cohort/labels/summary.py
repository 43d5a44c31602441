"""Counts what each source of labels gave, for people to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def summarise_labels(
    dataset: str, rows: Sequence[Mapping[str, Any]], sources: Sequence[str]
) -> list[dict[str, str | int]]:
    """Return what each source of a dataset gave.

    Args:
        dataset: Its name.
        rows: What `label_series` returned of it.
        sources: Which sources were asked.

    Returns:
        For each source that was asked, and "none": dataset, source, ``labels`` (series whose label
        is from it), ``by_slice`` (those of them whose slices have labels of their own) and
        ``differs`` (series that got another label than it says).
    """
    return [
        {
            "dataset": dataset,
            "source": source,
            "labels": sum((row["source"] or "none") == source for row in rows),
            "by_slice": sum(
                row["source"] == source and row["slice_labels"] is not None for row in rows
            ),
            "differs": sum(_differs(row, source) for row in rows),
        }
        for source in [*sources, "none"]
    ]


def _differs(row: Mapping[str, Any], source: str) -> bool:
    """Tell whether a slice of a series got another label than a source says."""
    said, given = row.get(source), {row["label"], *(row["slice_labels"] or [])} - {None}
    return said is not None and bool(given - {said})


def describe_labels(summary: Sequence[Mapping[str, str | int]]) -> list[str]:
    """Return a line per dataset that says where its labels are from, for people to read.

    Args:
        summary: What `summarise_labels` returned, or the same read from a CSV.
    """
    parts: dict[str, list[str]] = {}
    for row in summary:
        if row["source"] != "none" and not int(row["labels"]) and not int(row["differs"]):
            continue
        text = f"{row['labels']} from {row['source']}"
        if int(row.get("by_slice", 0)):
            text += f" ({row['by_slice']} of them slice by slice)"
        if row["source"] == "none":
            text = f"{row['labels']} series without a label"
        elif int(row["differs"]):
            text += f" (which differs from the label of {row['differs']})"
        parts.setdefault(str(row["dataset"]), []).append(text)
    return [f"Labels of {dataset}: {', '.join(texts)}" for dataset, texts in parts.items()]
