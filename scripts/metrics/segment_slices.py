"""Rule segment_slices: the XRAI segments of each annotated slice, once for all estimators."""

import pyarrow as pa

from scripts.errors import InputError
from scripts.image_table import TableWriter
from scripts.job import job_log
from scripts.metrics.segments import segment_and_pack
from scripts.parallel import process_pool
from scripts.progress import progress
from scripts.slices import count_slices, iterate_slices

SCHEMA = pa.schema([("slice_id", pa.string()), ("segments", pa.binary())])
SLICES_PER_GROUP = 8


with job_log(snakemake.log[0]):
    rows = iterate_slices(snakemake.input.slices, ["annotated"], ["image"])
    ids_and_images = ((row["slice_id"], row["image"]) for row in rows)
    total = count_slices(snakemake.input.slices, ["annotated"])
    if not total:
        raise InputError(
            "no slice has a mask, and the metric dice needs them: set cohort.masks, or leave the "
            "metrics roc and dice out (null in the configuration)"
        )
    group: list[tuple[str, bytes]] = []
    with (
        process_pool(snakemake.threads) as pool,
        TableWriter(snakemake.output.segments, SCHEMA) as writer,
    ):
        for done, result in enumerate(
            progress(pool.map(segment_and_pack, ids_and_images), "segments", total), 1
        ):
            group.append(result)
            if len(group) == SLICES_PER_GROUP or done == total:
                slice_ids, segments = zip(*group, strict=True)
                writer.write({"slice_id": slice_ids, "segments": segments})
                group = []
