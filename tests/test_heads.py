"""One network with a logit z, and the same one with the outputs (-z/2, z/2): all results agree."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from ct_importance.classifier.jobs import PredictionJob
from ct_importance.classifier.predictions import predict_slices
from ct_importance.cohort.extraction import slices_schema
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.io.image_table import read_images, write_table
from ct_importance.io.slices import write_slice_list
from ct_importance.metrics.evaluate import evaluate_maps
from ct_importance.metrics.jobs import EvaluationFiles, EvaluationJob
from ct_importance.plugins import entry_of, load
from ct_importance.report.jobs import TableJob
from ct_importance.report.tables.metric_table import TableInputs, TableOutputs, write_metric_table
from ct_importance.saliency.explain import explain_slices
from ct_importance.saliency.jobs import Files, ImportanceJob
from ct_importance.statistics.jobs import EstimationJob
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.statistics.results import write_values
from ct_importance.task import DEFAULT_TASK

SIZE = 32
CODE = """
from torch import nn

def build():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(4),
        nn.Flatten(), nn.Linear(256, OUTPUTS),
    )
"""
METRIC = {"name": "fidelity", "method": "fidelity", "options": {"step": 0.25, "slices": "all"}}
STATISTICS = StatisticsOptions(resamples=100, permutations=100)
ESTIMATORS = {"backpropagation": {}, "smoothgrad": {"samples": 2}}
TABLES = ("csv", "details", "comparisons", "markdown", "html", "latex")


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    """Slices of eight patients of two classes, which differ in brightness."""
    folder = tmp_path_factory.mktemp("slices")
    labels = np.arange(16) // 2 % 2
    images = np.random.default_rng(0).random((16, SIZE, SIZE), dtype=np.float32) / 2
    images[labels == 1, 8:24, 8:24] += 0.3
    columns = {
        "slice_id": [f"slice {number}" for number in range(16)],
        "patient_id": [f"patient {number // 2}" for number in range(16)],
        "label": labels.tolist(),
        "split": ["train", "test"] * 8,
        "sampled": [True] * 16,
        "annotated": [False] * 16,
        "image": images,
        "mask": [None] * 16,
    }
    write_table(folder / "table.parquet", slices_schema(SIZE), columns)
    write_slice_list(folder / "slices.parquet", [folder / "table.parquet"])
    return folder / "slices.parquet"


def state_of(outputs):
    """Weights of a network with logit z, or with (-z/2, z/2)."""
    names = {"OUTPUTS": 1}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        exec(CODE, names)
        state = names["build"]().state_dict()
    state["5.bias"] -= 0.067
    if outputs == 2:
        for name in ("5.weight", "5.bias"):
            state[name] = torch.cat([-state[name] / 2, state[name] / 2])
    return state


def results_of(outputs, slices, folder):
    """Predictions, maps, points of fidelity and tables of the network in one of its forms."""
    folder.mkdir()
    (folder / "net.py").write_text(CODE.replace("OUTPUTS", str(outputs)))
    torch.save(state_of(outputs), folder / "weights.pt")
    source = load("source", "factory")(
        factory=f"{folder}/net.py:build", weights=f"{folder}/weights.pt"
    )
    classifier, graph = folder / "classifier.pt", folder / "forward.onnx"
    source.take_over(ExtractionOptions(image_size=SIZE), classifier)
    graph.write_bytes(source.graph(classifier, SIZE))
    chosen = entry_of("mine", source)
    predictions, evaluation = folder / "predictions.parquet", folder / "evaluation.json"
    predict_slices(
        PredictionJob(classifier=chosen, image_size=SIZE, fill=DEFAULT_TASK.fill),
        *(classifier, graph, slices, predictions, evaluation, 1),
    )
    points = {}
    for name, options in ESTIMATORS.items():
        maps, points[name] = folder / f"{name}.parquet", folder / f"points_{name}.parquet"
        job = ImportanceJob(
            **entry_of(name, load("estimator", name)(**options)),
            **{"image_shape": (1, SIZE, SIZE), "seed": 0, "subsets": ("all",), "shard": "1of1"},
            **{"classes": DEFAULT_TASK.classes, "activation": "logit", "classifier": chosen},
        )
        explain_slices(job, Files(classifier, slices, predictions), maps, 1)
        asked = {"classifier": chosen, "fill": DEFAULT_TASK.fill}
        evaluate_maps(
            EvaluationJob(**METRIC, seed=0, estimator=name, shard="1of1", **asked),
            EvaluationFiles(slices, maps, classifier, graph),
            *(points[name], 1),
        )
    values = {name: folder / f"{name}.parquet" for name in ("values", "curves", "comparisons")}
    write_values(
        EstimationJob(
            **METRIC,
            **{"seed": 0, "estimators": tuple(ESTIMATORS), "statistics": STATISTICS},
            classes=DEFAULT_TASK.columns,
        ),
        *(list(points.values()), slices, values),
    )
    tables = TableOutputs(**{name: folder / f"table.{name}" for name in TABLES})
    write_metric_table(
        TableJob(table="table", metric=METRIC, statistics=STATISTICS, task=DEFAULT_TASK),
        TableInputs(values["values"], values["comparisons"], [], [evaluation]),
        tables,
    )
    return SimpleNamespace(
        predictions=pq.read_table(predictions),
        evaluation=json.loads(evaluation.read_text()),
        maps={name: read_images(folder / f"{name}.parquet", "importance") for name in ESTIMATORS},
        points={name: pd.read_parquet(path) for name, path in points.items()},
        tables={name: (folder / f"table.{name}").read_bytes() for name in TABLES},
        folder=folder,
    )


def test_a_logit_and_two_outputs_give_equal_maps_fidelity_and_tables(slices, tmp_path):
    one, two = (results_of(outputs, slices, tmp_path / str(outputs)) for outputs in (1, 2))

    answers = np.array(one.predictions["logit"])
    assert (answers > 0).any()
    assert (answers < 0).any()
    np.testing.assert_allclose(np.array(two.predictions["logit"]), answers, rtol=1e-5, atol=1e-6)
    for name in ("predicted", "correct"):
        assert two.predictions[name] == one.predictions[name]
    for name in ESTIMATORS:
        largest = np.abs(one.maps[name]).max()
        np.testing.assert_allclose(two.maps[name], one.maps[name], atol=1e-6 * largest)
        points, others = one.points[name], two.points[name]
        assert points["correct"].nunique() == 2
        pd.testing.assert_frame_equal(others, points, rtol=1e-5, atol=1e-6)
    assert two.tables == one.tables
    assert two.evaluation["test"] == one.evaluation["test"]
