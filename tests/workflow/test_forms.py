"""One network in several forms gets one set of numbers."""

import warnings

import pandas as pd
import pytest
import torch

from tests.classifier.networks.exported.programs import write_program
from tests.workflow.project import SLOW, TINY, copy_project

CODE = """
import torch
from torch import nn


def build():
    torch.manual_seed(3)
    layers = nn.Conv2d(1, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(100, 2))
"""
FORMS = {
    "mine": {"source": "factory", "factory": "net.py:build", "weights": "weights.pt"},
    "exported": {"source": "program", "program": "net.pt2"},
    "graph": {"source": "onnx", "onnx": "net.onnx"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    left_out = dict.fromkeys([*SLOW, "backpropagation"])
    project = copy_project(
        tmp_path_factory.mktemp("forms"),
        TINY
        | {"classifiers": {"resnet50": None, **FORMS}}
        | {"estimators": {**left_out, "again": {"method": "random"}}}
        | {"metrics": {"fidelity": {"step": 0.25}, "roc": None, "dice": None}},
    )
    names: dict = {}
    with torch.random.fork_rng():
        exec(CODE, names)
        network = names["build"]().eval()
    folder = project.folder
    (folder / "net.py").write_text(CODE)
    torch.save(network.state_dict(), folder / "weights.pt")
    write_program(folder / "net.pt2", network)
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            *(network, (torch.rand(2, 1, 32, 32),), str(folder / "net.onnx")),
            dynamo=False,
            input_names=["images"],
            dynamic_axes={"images": {0: "batch"}},
        )
    project.output = project.run()
    return project


def test_predictions_are_the_same(run):
    wanted, *others = (
        pd.read_parquet(run.results / form / "1" / "predictions.parquet") for form in FORMS
    )
    assert wanted.logit.nunique() > 1
    for found in others:
        pd.testing.assert_frame_equal(found, wanted, rtol=1e-4, atol=1e-4)


def test_tables_are_the_same(run):
    wanted, *others = (
        (run.results / form / "tables" / "table1_fidelity.csv").read_text() for form in FORMS
    )
    assert "random" in wanted
    assert others == [wanted, wanted]


def test_nothing_is_asked_of_torch_that_has_a_graph(run):
    assert all((run.results / form / "1/classifier/forward.onnx").stat().st_size for form in FORMS)
