"""Rules summarise_cohort and summarise_plan: count what stages kept, and why the rest was not."""

import csv
import logging
from pathlib import Path

from ct_importance.cohort.jobs import SummaryJob
from ct_importance.cohort.selection import read_chests
from ct_importance.cohort.slice_entry import read_index, read_rejected
from ct_importance.cohort.summary import FIELDS, CohortStages, summarise_cohort
from ct_importance.io.atomic import replacing
from ct_importance.io.slices import iterate_slices
from ct_importance.io.table_file import read_table
from ct_importance.workflow.running import running

with running(snakemake, SummaryJob) as job:
    labels = read_table(snakemake.input.labels).to_pylist()
    slices = snakemake.input.get("slices")
    rejected = {}
    for table in snakemake.input.rejected:
        rejected |= read_rejected(table)
    stages = CohortStages(
        headers=dict(zip(job.masks, snakemake.input.headers, strict=True)),
        entries=read_index(snakemake.input.index),
        labels={(row["patient_id"], row["series_uid"]): row["reason"] for row in labels},
        chests=read_chests(snakemake.input.chest[0]) if snakemake.input.get("chest") else None,
        planned=set(read_table(snakemake.input.planned).column("slice_id").to_pylist()),
        extracted=slices and {row["slice_id"]: row for row in iterate_slices(slices, ["all"])},
        not_indexed=read_rejected(snakemake.input.not_indexed),
        rejected=rejected,
        mask_folders={name: dataset.folder for name, dataset in job.masks.items()},
    )
    path = snakemake.output.summary
    with (
        replacing(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="") as file,
    ):
        table = csv.DictWriter(file, FIELDS)
        table.writeheader()
        table.writerows(summarise_cohort(stages))
    logging.info("\n%s", Path(path).read_text(encoding="utf-8"))
