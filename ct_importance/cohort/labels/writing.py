"""Writes the labels of the cohort, and says where they are from."""

from __future__ import annotations

import csv
import logging
import sys
from collections import Counter
from collections.abc import Sequence

from ct_importance.cohort.jobs import LabelJob
from ct_importance.cohort.labels.series import SCHEMA, Row, label_by_mask, label_series
from ct_importance.cohort.labels.summary import describe_labels, summarise_labels
from ct_importance.cohort.pseudonyms import read_pseudonyms
from ct_importance.cohort.slice_entry import read_index
from ct_importance.compute.progress import wrapped
from ct_importance.io.atomic import replacing
from ct_importance.io.image_table import write_table
from ct_importance.io.paths import StrPath

logger = logging.getLogger(__name__)


def write_labels(
    job: LabelJob,
    index: StrPath,
    labels: StrPath,
    disagreements: StrPath,
    summary: StrPath,
) -> None:
    """Write the labels of each series, and say on standard error where they are from.

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
    rows: list[Row] = []
    counts = []
    for name, dataset in job.datasets.items():
        own = [entry for entry in entries if entry.dataset == name]
        sources: Sequence[str] = dataset.options.sources
        if job.label_from == "mask":
            found, sources = label_by_mask(own), ["mask"]
        else:
            found = label_series(own, dataset.options, dataset.csv, pseudonyms, job.classes)
        rows += found
        counts += summarise_labels(name, found, sources)
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
        print("\n".join(wrapped(line, "  ", sys.stderr)), file=sys.stderr)
    logger.info(
        "%d series: %s; sources disagree on %d",
        len(rows),
        _in_words(rows, job.classes),
        len(differing),
    )


def _in_words(rows: Sequence[Row], classes: Sequence[str]) -> str:
    counts = Counter(row["label"] for row in rows)
    without = sum(row["source"] is None for row in rows)
    return ", ".join(
        [
            *(f"{counts[label]} of class {name!r}" for label, name in enumerate(classes)),
            f"{counts[None] - without} with a label for each slice",
            f"{without} without a label",
        ]
    )
