"""Rule compute_importance: the importance maps of one estimator."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from scripts.device import images_per_pass, make_deterministic, pick_device
from scripts.image_table import ROWS_PER_GROUP, TableWriter, image_field
from scripts.job import job_log
from scripts.model.classifier import load_classifier
from scripts.progress import progress
from scripts.saliency.contract import Context
from scripts.saliency.maps import compute_maps
from scripts.saliency.registry import load_estimator
from scripts.slices import count_slices, image_batches, iterate_slices, load_images

with job_log(snakemake.log[0]):
    make_deterministic(snakemake.threads)
    spec = json.loads(snakemake.params.estimator)
    size, subsets = snakemake.params.image_size, json.loads(snakemake.params.subsets)
    slices = snakemake.input.slices
    device = pick_device()
    estimator = load_estimator(spec["method"])
    predictions = pq.read_table(snakemake.input.predictions, columns=["slice_id", "logit"])
    context = Context(
        options=estimator.Options.model_validate(spec["options"]),
        seed=snakemake.params.seed,
        estimator=spec["name"],
        slice_ids=(),
        device=device,
        images_per_pass=images_per_pass(device, size, size),
        training_images=lambda: load_images(slices, "train")[1],
    )
    network = load_classifier(snakemake.input.classifier, device=device)
    maps = compute_maps(
        estimator,
        network.to(memory_format=torch.channels_last),
        image_batches(iterate_slices(slices, subsets, ["image"]), ROWS_PER_GROUP),
        {row["slice_id"]: row["logit"] for row in predictions.to_pylist()},
        context,
        snakemake.params.target,
    )
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", (size, size))])
    total = -(-count_slices(slices, subsets) // ROWS_PER_GROUP)
    with TableWriter(snakemake.output.maps, schema) as writer:
        for slice_ids, importance in progress(maps, f"{spec['name']}: batches of slices", total):
            writer.write({"slice_id": slice_ids, "importance": importance})
