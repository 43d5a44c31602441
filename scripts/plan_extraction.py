"""Checkpoint plan_extraction: split the patients and plan what is extracted of each."""

import json
import logging
from collections import Counter
from pathlib import Path

import pyarrow as pa

from ct_importance.cohort.jobs import PlanJob
from ct_importance.cohort.masks.matching import match_masks
from ct_importance.cohort.selection import NO_CHEST, file_name_of, plan_cohort, read_chests
from ct_importance.cohort.slice_entry import read_index, write_rejected
from ct_importance.io.atomic import write_text
from ct_importance.io.image_table import write_table
from ct_importance.io.table_file import read_table
from ct_importance.workflow.running import running

SPLIT_SCHEMA = pa.schema(
    [("patient_id", pa.string()), ("file", pa.string()), ("split", pa.string())]
)
PLANNED_SCHEMA = pa.schema(
    [("patient_id", pa.string()), ("slice_id", pa.string()), ("sampled", pa.bool_())]
)

with running(snakemake, PlanJob) as job:
    entries = read_index(snakemake.input.index)
    label_rows = read_table(snakemake.input.labels).to_pylist()
    pairs = read_table(snakemake.input.same_person).to_pylist()
    masks, rejected = {}, {}
    for name, dataset in job.masks.items():
        own = [entry for entry in entries if entry.dataset == name]
        found, unfit = match_masks(own, dataset.folder, dataset.structures)
        masks |= found
        rejected |= unfit
    chests = read_chests(snakemake.input.chest[0]) if snakemake.input.get("chest") else None
    labels = {(row["patient_id"], row["series_uid"]): row["label"] for row in label_rows}
    sides, plans = plan_cohort(
        entries,
        labels,
        [(pair["patient_id"], pair["other_patient_id"]) for pair in pairs],
        masks,
        job.options,
        job.seed,
        chests,
    )
    reasons = {(row["patient_id"], row["series_uid"]): row["reason"] for row in label_rows}
    rejected |= {entry.place: reasons[entry.series] for entry in entries if reasons[entry.series]}
    if chests is not None:
        rejected |= {
            entry.place: NO_CHEST
            for entry in entries
            if chests[entry.series] is None and entry.slice_id not in masks
        }
    write_rejected(snakemake.output.rejected, rejected)
    files = {patient: file_name_of(patient) for patient in sides}
    write_table(
        snakemake.output.split,
        SPLIT_SCHEMA,
        {"patient_id": list(sides), "file": list(files.values()), "split": list(sides.values())},
    )
    planned = [(patient, row) for patient, rows in plans.items() for row in rows]
    write_table(
        snakemake.output.planned,
        PLANNED_SCHEMA,
        {
            "patient_id": [patient for patient, _ in planned],
            "slice_id": [row["slice_id"] for _, row in planned],
            "sampled": [row["sampled"] for _, row in planned],
        },
    )
    folder = Path(snakemake.output.plans)
    folder.mkdir(parents=True)
    structures = {entry.patient_id: job.masks[entry.dataset].structures for entry in entries}
    for patient, slices in plans.items():
        plan = {
            "patient_id": patient,
            "split": sides[patient],
            "structures": structures[patient],
            "slices": slices,
        }
        # Flushed one by one, the plans of many patients would take longer than all the rest.
        write_text(folder / f"{files[patient]}.json", json.dumps(plan, indent=1), flush=False)
    logging.info(
        "%s patients; %d slices planned, %d of them with a mask; set aside %d files",
        ", ".join(f"{count} {side}" for side, count in sorted(Counter(sides.values()).items())),
        sum(map(len, plans.values())),
        sum(row["masks"] is not None for slices in plans.values() for row in slices),
        len(rejected),
    )
