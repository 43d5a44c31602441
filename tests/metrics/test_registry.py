import subprocess
import sys
from types import ModuleType

import pytest

from ct_importance.errors import InputError
from ct_importance.metrics import registry
from ct_importance.metrics.metric import MetricOptions
from ct_importance.metrics.registry import REQUIRED, available_metrics, load_metric, tables_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of metrics of its own, in place of the project's."""
    package = ModuleType("metrics_of_a_test")
    catalogue = tmp_path / "catalogue"
    catalogue.mkdir()
    package.__path__ = [str(catalogue)]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setattr(registry, "PACKAGE", package.__name__)
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    available_metrics.cache_clear()
    yield catalogue
    available_metrics.cache_clear()
    for name in [name for name in sys.modules if name.startswith(f"{package.__name__}.")]:
        del sys.modules[name]


def metric_text(without=(), **values):
    lines = {name: f"{name} = None" for name in REQUIRED} | {"evaluate": "def evaluate(): ..."}
    lines |= {name: f"{name} = {value!r}" for name, value in values.items()}
    return "\n".join(line for name, line in lines.items() if name not in without)


def test_the_metrics_of_the_paper_are_there_and_helpers_are_not():
    assert available_metrics() == ["dice", "fidelity", "roc"]


@pytest.mark.parametrize("name", available_metrics())
def test_each_keeps_the_contract(name):
    metric = load_metric(name)

    assert issubclass(metric.Options, MetricOptions)
    assert metric.NEEDS.issubset({"image", "mask", "segments", "classifier"})
    assert metric.Options().slices == ("test" if name == "fidelity" else "annotated")
    assert metric.TABLE.split("_")[0] in {"table1", "table2", "table3"}
    assert metric.VALUE_LABEL
    assert metric.DECIMALS >= 1
    assert metric.describe(metric.Options()).endswith(".")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match="no metric 'iou'; there are dice, fidelity, roc"):
        load_metric("iou")


def test_a_complete_file_is_a_metric(folder):
    (folder / "mine.py").write_text(metric_text(TABLE="table4_mine"))

    assert available_metrics() == ["mine"]
    assert load_metric("mine").TABLE == "table4_mine"


@pytest.mark.parametrize("name", REQUIRED)
def test_a_file_that_lacks_a_name_is_answered_with_it(folder, name):
    (folder / "mine.py").write_text(metric_text(without=[name]))

    with pytest.raises(InputError) as error:
        load_metric("mine")
    assert str(error.value) == (
        f"ct_importance/metrics/catalogue/mine.py: does not define {name}; "
        "ct_importance/metrics/metric.py says what a metric must define"
    )


def test_a_file_that_has_only_begun_is_answered_with_all_it_lacks(folder):
    (folder / "mine.py").write_text(metric_text(without=REQUIRED[1:]))

    lacking = ", ".join(REQUIRED[1:])
    with pytest.raises(InputError, match=rf"mine\.py: does not define {lacking}; "):
        load_metric("mine")


def test_a_name_that_is_imported_counts_but_makes_no_metric(folder):
    (folder / "helper.py").write_text("def summarise(rows): ...\n")
    (folder / "user.py").write_text(f"from {registry.PACKAGE}.helper import summarise\n")
    (folder / "mine.py").write_text(
        f"from {registry.PACKAGE}.helper import summarise\n{metric_text(without=['summarise'])}"
    )

    assert "user" not in available_metrics()
    assert callable(load_metric("mine").summarise)


def test_each_table_belongs_to_a_metric():
    assert tables_of(["roc", "dice", "fidelity"]) == {
        "table2_auc": "roc",
        "table3_dice": "dice",
        "table1_fidelity": "fidelity",
    }
    assert tables_of([]) == {}


def test_two_metrics_cannot_share_a_table(folder):
    for name in ("one", "two", "three"):
        table = "table4" if name == "three" else "table5"
        (folder / f"{name}.py").write_text(metric_text(TABLE=table))

    assert tables_of(["one", "three"]) == {"table5": "one", "table4": "three"}
    with pytest.raises(InputError) as error:
        tables_of(["one", "three", "two"])
    assert str(error.value) == (
        "ct_importance/metrics/catalogue/two.py: TABLE is 'table5', which is the table of "
        "ct_importance/metrics/catalogue/one.py; give each metric a table of its own"
    )


def test_metrics_load_without_torch_or_pandas():
    code = (
        "import sys\n"
        "from ct_importance.metrics.registry import available_metrics, tables_of\n"
        "tables_of(available_metrics())\n"
        "heavy = {'torch', 'captum', 'pandas', 'skimage'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
