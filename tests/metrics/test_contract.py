"""Every metric keeps the contract of `ct_importance.metrics.metric`."""

import subprocess
import sys

import numpy as np
import pytest

from ct_importance.errors import InputError
from ct_importance.metrics.metric import Metric
from ct_importance.plugins import load, modules, names
from tests.plug_in import installed

NEEDS = {"image", "mask", "segments", "classifier", "variations", "scores", "others"}
METHODS = ("evaluate", "summarise", "figure_curves", "describe")


PAPER = {"fidelity": 0, "roc": 0.5, "dice": None}
"""Metrics of the paper, and what random maps get by them."""


@pytest.mark.parametrize("name", PAPER)
def test_the_metrics_of_the_paper_are_there(name):
    metric = load("metric", name)

    assert metric().slices == ("test" if name == "fidelity" else "annotated")
    assert metric.table.split("_")[0] in {"table1", "table2", "table3"}
    assert metric.higher_is_better
    assert metric.chance == PAPER[name]


@pytest.mark.parametrize("name", names("metric"))
def test_each_keeps_the_contract(name):
    metric = load("metric", name)

    assert metric.needs.issubset(NEEDS)
    assert metric.unit
    assert metric.decimals >= 1
    assert {*metric.position_columns, *metric.mean_columns} <= set(metric.point_columns)
    assert metric.chance is None or not metric.chance_of_slice
    assert metric().describe().endswith(".")
    assert "isleads" in metric.__doc__, "say when it misleads"
    assert metric.reference


def test_each_has_a_table_of_its_own():
    tables = [load("metric", name).table for name in names("metric")]
    assert len(set(tables)) == len(tables)


def test_merit_is_higher_for_the_better_value_and_its_own_inverse():
    class Lower(load("metric", "roc")):
        higher_is_better = False

    values = np.array([1.0, 3.0])
    np.testing.assert_array_equal(load("metric", "roc")().merit(values), values)
    np.testing.assert_array_equal(Lower().merit(values), -values)
    np.testing.assert_array_equal(Lower().merit(Lower().merit(values)), values)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match=r"no metric 'diec'; there are .*dice.*, fidelity"):
        load("metric", "diec")


@pytest.mark.parametrize("lacking", [*Metric.required(), *METHODS])
def test_a_class_that_lacks_a_part_is_answered_with_it(tmp_path, lacking):
    lines = [
        *(f"    {name}: ClassVar = 1" for name in Metric.required() if name != lacking),
        *(f"    def {name}(self): pass" for name in METHODS if name != lacking),
    ]
    source = "\n".join(
        [
            "from typing import ClassVar",
            "from ct_importance.metrics.metric import Metric",
            "class Mine(Metric):",
            *lines,
        ]
    )
    points = {"ct_importance.metrics": {"mine": "others.mine"}}
    with (
        installed(tmp_path, "others", {"mine": source}, points),
        pytest.raises(InputError, match=rf"mine\.py: Mine does not define {lacking}; ct_import"),
    ):
        load("metric", "mine")


def test_what_a_metric_must_say_of_itself():
    assert sorted(Metric.required()) == [
        *("balanced", "category", "decimals", "higher_is_better", "mean_columns", "needs"),
        *("point_columns", "position_columns", "reference", "table", "title", "unit"),
    ]


def test_metrics_load_without_torch_or_pandas():
    code = (
        "import sys\n"
        "from ct_importance.plugins import load, names\n"
        "for name in names('metric'): load('metric', name)().describe()\n"
        "heavy = {'torch', 'captum', 'pandas', 'skimage'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", names("metric"))
def test_its_folder_is_its_category(name):
    assert load("metric", name).category == modules("metric")[name].split(".")[-2]
