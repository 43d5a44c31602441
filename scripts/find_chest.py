"""Rule find_chest: find which part of each series is chest, by the air in the lungs."""

import logging

import pyarrow as pa

from ct_importance.cohort.body_region import find_chests
from ct_importance.cohort.jobs import ChestJob
from ct_importance.cohort.slice_entry import read_index
from ct_importance.io.image_table import write_table
from ct_importance.workflow.running import running

with running(snakemake, ChestJob) as job:
    chests = find_chests(
        read_index(snakemake.input.index),
        job.options,
        workers=snakemake.threads,
    )
    write_table(
        snakemake.output.chest,
        pa.schema(
            [
                ("patient_id", pa.string()),
                ("series_uid", pa.string()),
                ("lowest_position", pa.float64()),
                ("highest_position", pa.float64()),
                ("positions", pa.list_(pa.float64())),
                ("lung_shares", pa.list_(pa.float64())),
            ]
        ),
        {
            "patient_id": [patient_id for patient_id, _ in chests],
            "series_uid": [series_uid for _, series_uid in chests],
            "lowest_position": [it.region and it.region[0] for it in chests.values()],
            "highest_position": [it.region and it.region[1] for it in chests.values()],
            "positions": [list(it.shares) for it in chests.values()],
            "lung_shares": [list(it.shares.values()) for it in chests.values()],
        },
    )
    logging.info(
        "%d series, %d of them without lung",
        len(chests),
        sum(it.region is None for it in chests.values()),
    )
