"""Rule predict_slices: what the classifier answers to every slice, and to black and white."""

import json
import logging

import numpy as np
import pyarrow as pa

from ct_importance.classifier.jobs import PredictionJob
from ct_importance.classifier.predictions import (
    evaluation_summary,
    predict_logits,
    reference_answers,
)
from ct_importance.classifier.store import load_classifier
from ct_importance.compute.device import (
    images_per_pass,
    in_precision,
    make_deterministic,
    pick_device,
)
from ct_importance.compute.progress import progress
from ct_importance.errors import InputError
from ct_importance.io.atomic import write_text
from ct_importance.io.image_table import write_table
from ct_importance.io.slices import SUBSETS, count_slices, image_batches, iterate_slices
from ct_importance.workflow.running import running

SCHEMA = pa.schema(
    [
        ("slice_id", pa.string()),
        ("patient_id", pa.string()),
        ("label", pa.int8()),
        ("split", pa.string()),
        ("sampled", pa.bool_()),
        ("annotated", pa.bool_()),
        ("logit", pa.float32()),
        ("probability", pa.float32()),
        ("correct", pa.bool_()),
    ]
)

with running(snakemake, PredictionJob) as job:
    make_deterministic(snakemake.threads)
    device = pick_device()
    network = in_precision(
        load_classifier(snakemake.input.classifier, device=device), job.precision
    )
    size = job.image_size
    rows = list(iterate_slices(snakemake.input.slices, ["all"]))
    if not rows:
        raise InputError("no slice could be used: cohort/rejected.parquet says why")
    batch_size = images_per_pass(device, size, size, gradient=False)
    batches = image_batches(iterate_slices(snakemake.input.slices, ["all"], ["image"]), batch_size)
    total = -(-count_slices(snakemake.input.slices, ["all"]) // batch_size)
    logits = np.concatenate(
        [
            predict_logits(network, images, device)
            for _, images in progress(batches, "predictions: batches", total)
        ]
    )
    labels = np.array([row["label"] for row in rows])
    columns = {name: [row[name] for row in rows] for name in SCHEMA.names[:6]}
    columns["logit"] = logits
    columns["probability"] = 1 / (1 + np.exp(-logits.astype(np.float64)))
    columns["correct"] = (logits > 0) == (labels == 1)
    write_table(snakemake.output.predictions, SCHEMA, columns)

    members = {
        subset: np.array([SUBSETS[subset](row) for row in rows]) for subset in ("train", "test")
    }
    evaluation = {
        **{subset: evaluation_summary(logits[m], labels[m]) for subset, m in members.items()},
        "references": reference_answers(network, size, size, device),
    }
    write_text(snakemake.output.evaluation, json.dumps(evaluation, indent=2) + "\n")
    logging.info("test slices: %s", evaluation["test"])
