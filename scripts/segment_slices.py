"""Rule segment_slices: the XRAI segments of each annotated slice, once for all estimators."""

from itertools import islice

import pyarrow as pa

from ct_importance.compute.progress import progress
from ct_importance.compute.workers import process_pool
from ct_importance.errors import InputError
from ct_importance.io.image_table import TableWriter
from ct_importance.io.slices import count_slices, iterate_slices
from ct_importance.metrics.xrai.segments import segment_and_pack
from ct_importance.workflow.running import job_log

SCHEMA = pa.schema([("slice_id", pa.string()), ("segments", pa.binary())])
SLICES_PER_GROUP = 8


with job_log(snakemake.log[0]):
    rows = iterate_slices(snakemake.input.slices, ["annotated"], ["image"])
    ids_and_images = ((row["slice_id"], row["image"]) for row in rows)
    total = count_slices(snakemake.input.slices, ["annotated"])
    if not total:
        raise InputError(
            "no slice has a mask, and the metric dice needs them: set `masks` in cohort.datasets, "
            "or leave the metrics roc and dice out (null in the configuration)"
        )
    with (
        process_pool(snakemake.threads) as pool,
        TableWriter(snakemake.output.segments, SCHEMA) as writer,
    ):
        # Group by group: a pool would read all slices at once to hand them out.
        groups = iter(lambda: list(islice(ids_and_images, SLICES_PER_GROUP)), [])
        for group in progress(groups, "segments: groups of slices", -(-total // SLICES_PER_GROUP)):
            slice_ids, segments = zip(*pool.map(segment_and_pack, group), strict=True)
            writer.write({"slice_id": slice_ids, "segments": segments})
