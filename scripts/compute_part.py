"""Rule compute_part: gradients that several estimators share, of every slice to be explained."""

import json

import pyarrow as pa

from ct_importance.compute.progress import progress
from ct_importance.io.image_table import TableWriter, image_field
from ct_importance.io.slices import Shard
from ct_importance.saliency.estimator import Part
from ct_importance.saliency.explain import compute_parts
from ct_importance.saliency.registry import load_part
from ct_importance.saliency.workload import prepare_workload
from ct_importance.workflow.job import job_log

with job_log(snakemake.log[0]):
    part, size = Part(**json.loads(snakemake.params.part)), snakemake.params.image_size
    module = load_part(part.kind)
    workload = prepare_workload(
        snakemake.input.classifier,
        snakemake.input.slices,
        json.loads(snakemake.params.subsets),
        part.kind,
        module.Options(**part.options),
        snakemake.params.seed,
        size,
        snakemake.params.precision,
        snakemake.threads,
        Shard.parse(snakemake.params.shard),
    )
    parts = compute_parts(
        part, workload.network, workload.batches, workload.context, snakemake.params.target
    )
    images = [image_field(name, (size, size)) for name in module.MAPS]
    with TableWriter(
        snakemake.output.maps, pa.schema([("slice_id", pa.string()), *images])
    ) as writer:
        for slice_ids, maps in progress(parts, f"{part.name}: batches of slices", workload.total):
            writer.write({"slice_id": slice_ids, **maps})
