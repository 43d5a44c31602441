"""Shows how time and memory grow with the number of slices: `make benchmark-growth`.

Runs saliency and each metric on 50, 200 and 800 slices of 224 x 224, each in a process of its own,
from tables on disk to a table on disk as the workflow's jobs do, and prints CPU seconds per slice
and peak memory as a Markdown table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.memory import peak_memory

COUNTS = (50, 200, 800)
SIZE = 224
WORK = ("backpropagation", "fidelity", "roc", "dice")


def main() -> None:
    """Print the table, or measure one step in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--step", nargs=2, metavar=("WORK", "FOLDER"), help="measure this alone")
    arguments = parser.parse_args()
    if arguments.step:
        work, folder = arguments.step
        print(*_measured(work, Path(folder)))
        return
    print("| work | slices | CPU seconds | ms a slice | peak memory, MB |")
    print("|---|---:|---:|---:|---:|")
    for work in WORK:
        for count in COUNTS:
            with tempfile.TemporaryDirectory() as folder:
                write_tables(Path(folder), count)
                command = [sys.executable, __file__, "--step", work, folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, memory = map(float, done.stdout.split())
            per_slice = f"{1000 * seconds / count:.1f}"
            print(f"| {work} | {count} | {seconds:.1f} | {per_slice} | {memory:.0f} |", flush=True)


def write_tables(folder: Path, count: int) -> None:
    """Write slices, maps and segments of one patient, and a classifier, as the workflow would."""
    from ct_importance.classifier.forward.export import graph_of
    from ct_importance.classifier.resnet import ResNet50
    from ct_importance.classifier.store import save_classifier
    from ct_importance.cohort.extraction import slices_schema
    from ct_importance.io.image_table import ROWS_PER_GROUP, TableWriter, image_field
    from ct_importance.io.slices import write_slice_list
    from ct_importance.saliency.xrai.segments import segment_image
    from ct_importance.saliency.xrai.storage import pack_segments

    save_classifier(folder / "classifier.pt", ResNet50(), SIZE, (-200, 400))
    (folder / "forward.onnx").write_bytes(graph_of(ResNet50().eval(), SIZE))
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE - 0.5
    body = (rows**2 + columns**2 < 0.2).astype("f4") / 2
    mask = rows**2 + columns**2 < 0.02
    segments = pack_segments(segment_image(body + 0.2 * mask))
    (folder / "slices").mkdir()
    table = folder / "slices" / "patient.parquet"
    map_schema = pa.schema([("slice_id", pa.string()), image_field("importance", (SIZE, SIZE))])
    segment_schema = pa.schema([("slice_id", pa.string()), ("segments", pa.binary())])
    with (
        TableWriter(table, slices_schema(SIZE)) as slices,
        TableWriter(folder / "maps.parquet", map_schema) as maps,
        TableWriter(folder / "segments.parquet", segment_schema) as packed,
    ):
        for start in range(0, count, ROWS_PER_GROUP):
            n = min(ROWS_PER_GROUP, count - start)
            ids = [f"slice {start + row}" for row in range(n)]
            noise = generator.standard_normal((2, n, SIZE, SIZE), dtype="f4")
            slices.write(
                {
                    "slice_id": ids,
                    "patient_id": ["patient"] * n,
                    "label": [1] * n,
                    "split": ["test"] * n,
                    "sampled": [True] * n,
                    "annotated": [True] * n,
                    "image": np.clip(body + 0.05 * noise[0], 0, 1),
                    "mask": [mask] * n,
                }
            )
            maps.write({"slice_id": ids, "importance": noise[1]})
            packed.write({"slice_id": ids, "segments": [segments] * n})
    write_slice_list(folder / "slices.parquet", [table])


def _measured(work: str, folder: Path) -> tuple[float, int]:
    """Return the CPU seconds of a step and the peak memory of this process, in MB."""
    step = _saliency(folder) if work == "backpropagation" else _metric(work, folder)
    started = time.process_time()
    step()
    seconds = time.process_time() - started
    return seconds, peak_memory()


def _saliency(folder: Path) -> Callable[[], None]:
    from ct_importance.classifier.jobs import ChosenClassifier
    from ct_importance.io.image_table import TableWriter, image_field
    from ct_importance.plugins import load
    from ct_importance.saliency.explain import compute_maps
    from ct_importance.saliency.jobs import ExplainJob, Files
    from ct_importance.saliency.workload import prepare_batches

    estimator = load("estimator", "backpropagation")()
    job = ExplainJob(
        image_shape=(1, SIZE, SIZE),
        seed=0,
        subsets=["all"],
        shard="1of1",
        classes=("no contrast", "contrast"),
        activation="logit",
        classifier=ChosenClassifier(
            name="resnet50", method="architecture", options={"architecture": "resnet50"}
        ),
    )
    files = Files(folder / "classifier.pt", folder / "slices.parquet")
    batches, _ = prepare_batches(job, "backpropagation", estimator, files, threads=1)
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", (SIZE, SIZE))])

    def step() -> None:
        with TableWriter(folder / "found.parquet", schema) as writer:
            for ids, importance in compute_maps(estimator, batches):
                writer.write({"slice_id": ids, "importance": importance})

    return step


def _metric(name: str, folder: Path) -> Callable[[], None]:
    from ct_importance.metrics.evaluate import evaluate_estimator
    from ct_importance.metrics.metric import Probe
    from ct_importance.metrics.samples import read_samples
    from ct_importance.plugins import load

    # The fewest passes a slice can have: what is shown is growth, not speed.
    metric = load("metric", name)(**({"step": 1} if name == "fidelity" else {}))
    classifier = None
    if "classifier" in metric.needs:
        from ct_importance.classifier.forward.onnx_runtime import OnnxForward

        classifier = OnnxForward(folder / "forward.onnx", 1)

    samples = read_samples(
        metric,
        folder / "slices.parquet",
        ["all"],
        folder / "maps.parquet",
        folder / "segments.parquet" if "segments" in metric.needs else None,
    )
    probe = Probe(0, classifier)
    return lambda: evaluate_estimator(metric, samples, probe, folder / "points.parquet")


if __name__ == "__main__":
    main()
