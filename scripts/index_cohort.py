"""Rule index_cohort: choose the axial CT slices of all datasets, and tell why others are not."""

import logging

import pyarrow as pa

from ct_importance.cohort.index import index_cohort
from ct_importance.cohort.slice_entry import series_of, write_index, write_rejected
from ct_importance.io.image_table import write_table
from ct_importance.workflow.running import job_log

with job_log(snakemake.log[0]):
    index = index_cohort(snakemake.input.headers)
    write_index(snakemake.output.index, index.slices)
    write_rejected(snakemake.output.rejected, index.rejected)
    series = series_of(index.slices)
    write_table(
        snakemake.output.series,
        pa.schema(
            [
                ("dataset", pa.string()),
                ("patient_id", pa.string()),
                ("series_uid", pa.string()),
                ("slices", pa.int32()),
                ("rows", pa.int32()),
                ("columns", pa.int32()),
                ("lowest_position", pa.float64()),
                ("highest_position", pa.float64()),
            ]
        ),
        {
            "dataset": [slices[0].dataset for slices in series.values()],
            "patient_id": [patient_id for patient_id, _ in series],
            "series_uid": [series_uid for _, series_uid in series],
            "slices": [len(slices) for slices in series.values()],
            "rows": [slices[0].rows for slices in series.values()],
            "columns": [slices[0].columns for slices in series.values()],
            "lowest_position": [slices[0].position for slices in series.values()],
            "highest_position": [slices[-1].position for slices in series.values()],
        },
    )
    pairs = sorted(index.same_person)
    write_table(
        snakemake.output.same_person,
        pa.schema([("patient_id", pa.string()), ("other_patient_id", pa.string())]),
        {
            "patient_id": [one for one, _ in pairs],
            "other_patient_id": [other for _, other in pairs],
        },
    )
    logging.info(
        "%d slices of %d series; set aside %d", len(index.slices), len(series), len(index.rejected)
    )
