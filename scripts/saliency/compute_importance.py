"""Rule compute_importance: the importance maps of an estimator that works alone."""

import json

import pyarrow as pa

from scripts.image_table import TableWriter, image_field
from scripts.job import job_log
from scripts.progress import progress
from scripts.saliency.maps import compute_maps
from scripts.saliency.registry import load_estimator
from scripts.saliency.workload import prepare_workload
from scripts.slices import Shard, read_logits

with job_log(snakemake.log[0]):
    spec, size = json.loads(snakemake.params.estimator), snakemake.params.image_size
    estimator = load_estimator(spec["method"])
    workload = prepare_workload(
        snakemake.input.classifier,
        snakemake.input.slices,
        json.loads(snakemake.params.subsets),
        spec["name"],
        estimator.Options.model_validate(spec["options"]),
        snakemake.params.seed,
        size,
        snakemake.params.precision,
        snakemake.threads,
        Shard.parse(snakemake.params.shard),
    )
    maps = compute_maps(
        estimator,
        workload.network,
        workload.batches,
        read_logits(snakemake.input.predictions),
        workload.context,
        snakemake.params.target,
    )
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", (size, size))])
    what = f"{spec['name']}: batches of slices"
    with TableWriter(snakemake.output.maps, schema) as writer:
        for slice_ids, importance in progress(maps, what, workload.total):
            writer.write({"slice_id": slice_ids, "importance": importance})
