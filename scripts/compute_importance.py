"""Rule compute_importance: the importance maps of an estimator that works alone."""

import json

import pyarrow as pa

from ct_importance.compute.progress import progress
from ct_importance.io.image_table import TableWriter, image_field
from ct_importance.io.slices import Shard, read_logits
from ct_importance.saliency.explain import compute_maps
from ct_importance.saliency.registry import load_estimator
from ct_importance.saliency.workload import prepare_workload
from ct_importance.workflow.job import job_log

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
