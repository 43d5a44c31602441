"""A finished run, read as docs/notebook.md shows."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

import ct_importance as ct
from ct_importance.errors import InputError
from ct_importance.io.image_table import read_images
from ct_importance.statistics.options import StatisticsOptions
from ct_importance.task import Task
from tests.test_project import run_python
from tests.workflow.project import ROOT, TINY, merge

PAGE = (ROOT / "docs" / "notebook.md").read_text()
QUICK = StatisticsOptions(**TINY["statistics"])


@pytest.fixture(scope="module")
def run(finished):
    return ct.open_run(finished.results)


def test_the_examples_of_the_page_run(finished, monkeypatch, capsys):
    monkeypatch.chdir(finished.folder)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    scope = {}
    for block in blocks:
        exec(compile(block.replace("results/demo", "results/tiny"), "notebook.md", "exec"), scope)

    printed = capsys.readouterr().out
    assert "estimators: backpropagation, " in printed
    assert len(blocks) >= 5
    assert set(scope["judged"].values.metric) == {"fidelity"}


def test_what_is_read_is_what_lies_in_the_files(run, finished):
    assert run.classifiers == ("resnet50",)
    assert run.trainings() == (1,)
    assert run.classes == ("no contrast", "contrast")
    maps = finished.training / "saliency" / "smoothgrad.parquet"
    np.testing.assert_array_equal(run.maps("smoothgrad"), read_images(maps, "importance"))
    ids = run.explained("smoothgrad")
    np.testing.assert_array_equal(
        run.maps("smoothgrad", [ids[3], ids[0]]), run.maps("smoothgrad")[[3, 0]]
    )
    assert len(run.images()) == len(run.slices())
    annotated = run.slices("annotated")
    masks = run.masks()
    assert masks.dtype == bool
    assert len(masks) == len(annotated)
    assert masks.any(axis=(1, 2)).all()
    np.testing.assert_array_equal(run.masks(annotated.slice_id[::-1]), masks[::-1])
    assert set(run.predictions().slice_id) == set(run.slices().slice_id)
    assert run.evaluation()["test"]["n"] == (run.slices("test").split == "test").sum()
    table = finished.classifier / "tables" / "table1_fidelity.csv"
    pd.testing.assert_frame_equal(run.table("table1_fidelity"), pd.read_csv(table))


def test_arrays_of_a_run_are_judged_as_the_run_judges_them(run, finished):
    options = merge(yaml.safe_load((ROOT / "config.yaml").read_text()), TINY)["metrics"]
    names = ("smoothgrad", "random")
    for metric, subset in (("fidelity", "test"), ("roc", "annotated"), ("dice", "annotated")):
        slices = run.slices(subset)
        found = ct.evaluate(
            {name: run.maps(name, slices.slice_id) for name in names},
            run.images(slices.slice_id),
            run.masks(slices.slice_id) if subset == "annotated" else None,
            finished.training / "classifier" / "forward.onnx",
            {metric: {key: it for key, it in options[metric].items() if key != "slices"}},
            labels=slices.label,
            patients=slices.patient_id,
            slice_ids=slices.slice_id,
            task=Task(),
            statistics=QUICK,
        ).values
        expected = run.values(metric)
        expected = expected[expected.estimator.isin(names)].reset_index(drop=True)
        keys = ["estimator", "variant"]
        found, expected = (it.sort_values(keys, ignore_index=True) for it in (found, expected))
        pd.testing.assert_series_equal(found.value, expected.value)
        # The resamples are those of the same patients.
        pd.testing.assert_series_equal(found.value_low, expected.value_low)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda run: run.maps("smothgrad"), "did you mean 'smoothgrad'"),
        (lambda run: run.maps("random", ["none"]), "1 slices have no map, the first is none"),
        (lambda run: run.masks(["none"]), "no mask"),
        (lambda run: run.values("rock"), "did you mean 'roc'"),
        (lambda run: run.slices("tested"), "did you mean 'test'"),
        (lambda run: run.table("table1_fidelty"), "did you mean .table1_fidelity."),
        (lambda run: run.predictions("densenet"), "'densenet' is not known"),
        (lambda run: run.predictions(training=2), "has no training 2; there are"),
        (lambda run: ct.open_run(run.folder / "cohort"), "give the folder of a finished run"),
    ],
)
def test_what_is_not_there_is_said(run, ask, said):
    with pytest.raises(InputError, match=said):
        ask(run)


def test_the_package_itself_stays_light():
    heavy = ["torch", "pandas", "numpy", "scipy", "pydantic", "matplotlib", "onnxruntime"]
    program = (
        "import sys, ct_importance as ct;"
        f"light = [name for name in {heavy} if name in sys.modules];"
        "assert {'open_run', 'evaluate'} <= set(dir(ct));"
        "ct.open_run, ct.evaluate;"
        "print(light, 'torch' in sys.modules)"
    )
    assert run_python(program) == "[] False"


def test_what_the_package_does_not_have_is_an_error():
    with pytest.raises(AttributeError, match="no attribute 'judge'"):
        _ = ct.judge
