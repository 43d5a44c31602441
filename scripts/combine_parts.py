"""Rule combine_parts: the importance maps of an estimator made of parts that others use too."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice

import pyarrow as pa

from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter, image_field, read_rows
from ct_importance.io.slices import Row, read_logits
from ct_importance.saliency.finishing import combine_maps
from ct_importance.saliency.registry import load_estimator
from ct_importance.workflow.job import job_log


def read_parts(tables: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Row]]]:
    """Yield each slice's id and its maps by part; all tables hold the same slices in order."""
    for rows in zip(*map(read_rows, tables.values()), strict=True):
        yield rows[0]["slice_id"], dict(zip(tables, rows, strict=True))


with job_log(snakemake.log[0]):
    spec, size = json.loads(snakemake.params.estimator), snakemake.params.image_size
    tables = dict(zip(json.loads(snakemake.params.parts), snakemake.input.parts, strict=True))
    maps = combine_maps(
        load_estimator(spec["method"]),
        spec["name"],
        read_parts(tables),
        read_logits(snakemake.input.predictions),
    )
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", (size, size))])
    with TableWriter(snakemake.output.maps, schema) as writer:
        while group := list(islice(maps, ROWS_PER_GROUP)):
            slice_ids, importance = zip(*group, strict=True)
            writer.write({"slice_id": slice_ids, "importance": importance})
