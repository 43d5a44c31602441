"""A run of a few small slices, with real tables of metrics, for the tests of the explorer."""

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from ct_importance.io.image_table import image_field, write_table
from ct_importance.io.slices import FLAG_FIELDS, write_slice_list
from ct_importance.io.table_file import read_table
from ct_importance.metrics.evaluate import evaluate_estimator
from ct_importance.metrics.jobs import ChosenMetric
from ct_importance.plugins import load
from ct_importance.report.explorer.build import Sources, build_explorer
from ct_importance.report.jobs import ExplorerJob
from ct_importance.saliency.xrai.segments import segment_image
from ct_importance.saliency.xrai.storage import pack_segments
from ct_importance.task import DEFAULT_TASK
from tests.metrics.images import Linear, asking, sample, smooth_image

TEMPLATES = {
    path.name: path
    for path in (
        Path(__file__).resolve().parents[3] / "ct_importance/report/explorer/templates"
    ).rglob("*.*")
}
SHAPE = (30, 40)
HU_WINDOW = (-200.0, 400.0)
POSITIONS = [7.5, -30.0, -12.5, 60.0]
"""Millimetres: of the first patient the second slice lies below the first."""
ESTIMATORS = ["integrated_gradients_bw", "smoothgrad_squared"]
OPTIONS = {"fidelity": {"step": 0.25}, "roc": {}, "dice": {"percentages": (2.0, 5.0, 20.0, 100.0)}}


def make_subjects(count=4):
    """Slices of two patients with both labels; every second one has a mask."""
    subjects = []
    for number in range(count):
        mask = np.zeros(SHAPE, bool)
        mask[5 : 12 + number, 8:20] = number % 2 == 0
        subjects.append(
            sample(
                smooth_image(SHAPE, number), mask, label=number // 2 % 2, slice_id=f"slice-{number}"
            )
        )
    return subjects


@functools.cache
def segments_of(number):
    return segment_image(smooth_image(SHAPE, number))


def importance_of(estimator, number):
    signed = np.random.default_rng(number).normal(size=SHAPE).astype("f4")
    return signed**2 if estimator == "smoothgrad_squared" else signed


def make_run(folder, metrics=("fidelity", "roc", "dice"), masks=True):
    """Write the tables of a run; return its `Sources`, its slices and their segments."""
    subjects = make_subjects()
    annotated = [masks and one.mask.any() for one in subjects]
    patients = [f"patient-{number % 2}" for number in range(len(subjects))]
    ids = [one.slice_id for one in subjects]
    schema = pa.schema(
        [
            *FLAG_FIELDS,
            image_field("image", SHAPE),
            image_field("mask", SHAPE, "bool", nullable=True),
        ]
    )
    write_table(
        folder / "slices" / "all.parquet",
        schema,
        {
            "slice_id": ids,
            "patient_id": patients,
            "label": [one.label for one in subjects],
            "split": ["test"] * len(subjects),
            "sampled": [True] * len(subjects),
            "annotated": annotated,
            "image": np.stack([one.image for one in subjects]),
            "mask": [
                one.mask if is_annotated else None
                for one, is_annotated in zip(subjects, annotated, strict=True)
            ],
        },
    )
    write_slice_list(folder / "slices.parquet", [folder / "slices" / "all.parquet"])
    kinds = [("slice_id", pa.string()), ("series_uid", pa.string()), ("position", pa.float64())]
    columns = {"slice_id": ids, "series_uid": ["1.2", "1.3", "1.2", "1.3"], "position": POSITIONS}
    write_table(folder / "index.parquet", pa.schema(kinds), columns)
    logits = [-1.5, 2.0, 3.25, -0.5]  # the second and the last are wrong
    columns = {
        "slice_id": ids,
        "logit": logits,
        "correct": [
            (logit > 0) == bool(one.label) for logit, one in zip(logits, subjects, strict=True)
        ],
    }
    kinds = [("slice_id", pa.string()), ("logit", pa.float32()), ("correct", pa.bool_())]
    write_table(folder / "predictions.parquet", pa.schema(kinds), columns)
    segments = {slice_id: segments_of(number) for number, slice_id in enumerate(ids)}
    kinds = [("slice_id", pa.string()), ("segments", pa.binary())]
    kept = [name for name, is_annotated in zip(ids, annotated, strict=True) if is_annotated]
    packed = [pack_segments(segments[name]) for name in kept]
    write_table(
        folder / "segments.parquet", pa.schema(kinds), {"slice_id": kept, "segments": packed}
    )
    points = {metric: {} for metric in metrics}
    maps = {}
    for estimator in ESTIMATORS:
        maps[estimator] = folder / f"{estimator}.parquet"
        values = np.stack([importance_of(estimator, number) for number in range(len(ids))])
        schema = pa.schema([("slice_id", pa.string()), image_field("importance", SHAPE)])
        write_table(maps[estimator], schema, {"slice_id": ids, "importance": values})
        for metric in metrics:
            points[metric][estimator] = folder / metric / f"{estimator}.parquet"
            _evaluate(metric, subjects, values, segments, points[metric][estimator])
    sources = Sources(
        folder / "slices.parquet",
        [folder / "predictions.parquet"],
        folder / "index.parquet",
        maps,
        points,
        segments=folder / "segments.parquet" if "dice" in metrics else None,
    )
    return sources, subjects, segments


def of_three_classes(sources, folder):
    """Return `Sources` of predictions of three classes."""
    ids = read_table(sources.predictions[0], ["slice_id"]).column("slice_id").to_pylist()
    predicted = [0, 2, 1, 2]
    columns = {
        "slice_id": ids,
        "predicted": predicted,
        "probabilities": [[0.1, 0.125, 0.775]] * len(ids),
        "correct": [True, False, True, False],
    }
    numbers = pa.list_(pa.float32(), 3)
    kinds = [("slice_id", pa.string()), ("predicted", pa.int8())]
    kinds += [("probabilities", numbers), ("correct", pa.bool_())]
    write_table(folder / "three.parquet", pa.schema(kinds), columns)
    return replace(sources, predictions=[folder / "three.parquet"])


def _evaluate(name, subjects, values, segments, path):
    metric = load("metric", name)(**OPTIONS[name])
    weights = np.linspace(-1, 1, values[0].size).reshape(SHAPE) / 50
    probe = asking(Linear(weights, 0.1))
    with_maps = [
        (
            sample(one.image, one.mask, one.label, one.slice_id, segments[one.slice_id]),
            importance,
        )
        for one, importance in zip(subjects, values, strict=True)
        if name == "fidelity" or one.mask.any()
    ]
    evaluate_estimator(metric, with_maps, probe, path)


def of_two_classifiers(sources, folder):
    """Return `Sources` of two classifiers: b's maps are those of the other estimator."""
    answers = read_table(sources.predictions[0]).to_pydict()
    answers["logit"] = [-logit for logit in answers["logit"][:2]] + answers["logit"][2:]
    answers["correct"] = [not it for it in answers["correct"][:2]] + answers["correct"][2:]
    kinds = [("slice_id", pa.string()), ("logit", pa.float32()), ("correct", pa.bool_())]
    write_table(folder / "b.parquet", pa.schema(kinds), answers)

    def of_both(tables):
        pairs = zip(ESTIMATORS, reversed(ESTIMATORS), strict=True)
        return {
            f"{one}/{classifier}": tables[name]
            for one, other in pairs
            for classifier, name in (("a", one), ("b", other))
        }

    points = {metric: of_both(tables) for metric, tables in sources.points.items()}
    predictions = [*sources.predictions, folder / "b.parquet"]
    return replace(sources, predictions=predictions, maps=of_both(sources.maps), points=points)


def build_page(
    path,
    sources,
    limit=300,
    run="small",
    task=DEFAULT_TASK,
    controls=(),
    options=None,
    classifiers=(),
):
    job = ExplorerJob(
        run=run,
        classifiers=classifiers,
        estimators=tuple(dict.fromkeys(name.split("/")[0] for name in sources.maps)),
        subsets=("annotated", "test"),
        slices=limit,
        controls=controls,
        metrics=tuple(
            ChosenMetric(
                name=name, method=name, options=OPTIONS[name] | (options or {}).get(name, {})
            )
            for name in sources.points
        ),
        hu_window=HU_WINDOW,
        task=task,
    )
    build_explorer(job, TEMPLATES, sources, path, workers=1)
    return path
