"""Other installed packages add estimators and the like; what is wrong with one is said clearly."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ct_importance.errors import InputError
from ct_importance.plugins import load, modules, name_of, names
from ct_importance.workflow.code import code_digest
from ct_importance.workflow.config import parse_config
from ct_importance.workflow.study import Study
from tests.plug_in import installed

ROOT = Path(__file__).resolve().parents[1]
GROUP = "ct_importance.estimators"
ESTIMATOR = """
from typing import ClassVar

from ct_importance.saliency.estimator import Cost, Estimator


class Brightness(Estimator):
    '''The slice itself.'''

    title: ClassVar[str] = "Brightness"
    colour: ClassVar[str] = "#112233"
    reference: ClassVar[str] = "none"

    factor: float = 1.0

    def cost(self):
        return Cost()

    def attribute(self, batch):
        return self.factor * batch.images
"""
METRIC = """
from typing import ClassVar

import numpy as np

from ct_importance.metrics.metric import Metric


class Mean(Metric):
    '''The mean of a map.'''

    title: ClassVar[str] = "Mean"
    unit: ClassVar[str] = "Mean"
    decimals: ClassVar[int] = 2
    higher_is_better: ClassVar[bool] = False
    category: ClassVar[str] = "faithfulness"
    reference: ClassVar[str] = "A book"
    needs: ClassVar[frozenset[str]] = frozenset()
    table: ClassVar[str] = "mean"
    balanced: ClassVar[bool] = False
    point_columns: ClassVar[dict[str, str]] = {"mean": "float64"}
    position_columns: ClassVar[tuple[str, ...]] = ()
    mean_columns: ClassVar[tuple[str, ...]] = ("mean",)

    scale: float = 1.0

    def evaluate(self, sample, maps, probe):
        return {name: {"mean": np.array([it.mean() * self.scale])} for name, it in maps.items()}

    def summarise(self, curves):
        return {"value": curves.means["mean"][:, 0]}

    def figure_curves(self, curves):
        return curves

    def describe(self):
        return "The mean."
"""


@pytest.fixture
def plug_in(tmp_path):
    """A function that installs a package of one estimator, `brightness`: (source, name)."""

    def install(source=ESTIMATOR, name="brightness", package="others"):
        folder = tmp_path / package
        folder.mkdir()
        points = {GROUP: {name: f"{package}.{name}"}}
        return installed(folder, package, {name: source}, points)

    return install


def config_with(**estimators):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    return config | {"estimators": estimators}


def test_an_estimator_of_another_package_is_one_of_all(plug_in):
    here = names("estimator")
    with plug_in():
        assert names("estimator") == sorted([*here, "brightness"])
        assert modules("estimator")["brightness"] == "others.brightness"
        assert load("estimator", "brightness").title == "Brightness"
    assert names("estimator") == here


def test_its_name_is_that_of_its_entry_point(tmp_path):
    points = {GROUP: {"brightness": "others.glow"}}
    with installed(tmp_path, "others", {"glow": ESTIMATOR}, points):
        assert name_of(load("estimator", "brightness")) == "brightness"
        study = Study(parse_config(config_with(brightness={})))
        wildcards = SimpleNamespace(classifier="resnet50", replicate="1", estimator="brightness")
        job = json.loads(study.job("compute_importance")(wildcards))
        assert job["method"] == "brightness"


def test_its_options_are_checked_in_the_configuration(plug_in):
    with plug_in():
        config = parse_config(
            config_with(brightness={"factor": 2}, twice={"method": "brightness", "factor": 3})
        )
        assert [estimator.factor for estimator in config.estimators.values()] == [2, 3]
        with pytest.raises(InputError, match=r"estimators\.brightness\.facter.*factor"):
            parse_config(config_with(brightness={"facter": 2}))
    with pytest.raises(InputError, match=r"config: estimators\.brightness: .*brightness"):
        parse_config(config_with(brightness={}))


def test_one_package_adds_an_estimator_and_a_metric(tmp_path):
    here = names("metric")
    sources = {"brightness": ESTIMATOR, "mean": METRIC}
    points = {
        GROUP: {"brightness": "others.brightness"},
        "ct_importance.metrics": {"mean": "others.mean"},
    }
    with installed(tmp_path, "others", sources, points):
        assert names("metric") == sorted([*here, "mean"])
        config = config_with(brightness={}) | {"metrics": {"mean": {"scale": 2}}}
        parsed = parse_config(config)
        assert parsed.metrics["mean"].scale == 2
        assert not parsed.metrics["mean"].higher_is_better
        study = Study(parsed)
        assert list(study.estimators) == ["brightness"]
        with pytest.raises(InputError, match=r"metrics\.mean\.scales.*scale"):
            parse_config(config | {"metrics": {"mean": {"scales": 2}}})
    assert names("metric") == here


def test_a_metric_without_all_of_its_contract_is_refused(tmp_path):
    source = METRIC.replace("    decimals: ClassVar[int] = 2\n", "")
    points = {"ct_importance.metrics": {"mean": "others.mean"}}
    with (
        installed(tmp_path, "others", {"mean": source}, points),
        pytest.raises(InputError, match="Mean does not define decimals; ct_importance/metrics/met"),
    ):
        load("metric", "mean")


FILL = """
from typing import ClassVar

from ct_importance.metrics.filling import Filling


class Half(Filling):
    '''Grey.'''

    title: ClassVar[str] = "half"

    def of(self, sample, probe):
        return 0.5

    def in_words(self, task=None):
        return "in grey"
"""


def test_a_fill_of_another_package(tmp_path):
    points = {"ct_importance.fills": {"half": "others.half"}}
    with installed(tmp_path, "others", {"half": FILL}, points):
        metric = load("metric", "fidelity")(fill="half")
        assert "in grey" in metric.describe()
        assert metric.model_dump()["fill"] == "half"


def test_the_code_of_its_package_counts_for_reruns(tmp_path):
    digests = []
    for folder, helper in (("one", ""), ("again", ""), ("edited", "FACTOR = 2")):
        (tmp_path / folder).mkdir()
        sources = {"brightness": "from .helper import *" + ESTIMATOR, "helper": helper}
        points = {GROUP: {"brightness": "others.brightness"}}
        with installed(tmp_path / folder, "others", sources, points):
            code_digest.cache_clear()
            module = modules("estimator")["brightness"]
            digests.append(code_digest("scripts/compute_importance.py", module))
    assert digests[0] == digests[1] != digests[2]


def test_a_module_without_a_package_counts_too(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    digests = []
    for source in (ESTIMATOR, ESTIMATOR + "# edited"):
        (tmp_path / "lone_module.py").write_text(source)
        code_digest.cache_clear()
        digests.append(code_digest("scripts/compute_importance.py", "lone_module"))
    assert digests[0] != digests[1]


def test_a_name_that_is_taken_here_is_refused(plug_in):
    with plug_in(name="random"), pytest.raises(InputError) as error:
        names("estimator")
    assert str(error.value) == (
        "the estimator 'random' of the installed package others has a name that "
        "ct_importance.saliency.estimators.control.random has already; uninstall the package, or "
        "rename its entry point"
    )


def test_a_name_that_two_packages_give_is_refused(plug_in):
    with (
        plug_in(),
        plug_in(package="more"),
        pytest.raises(
            InputError, match=r"'brightness' of the installed package .* has a name that"
        ),
    ):
        names("estimator")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "defines 0 subclasses of Estimator; define one"),
        (ESTIMATOR + "\nclass Second(Brightness): pass", "defines 2 subclasses of Estimator"),
        (
            ESTIMATOR.replace('    title: ClassVar[str] = "Brightness"\n', ""),
            "Brightness does not define title; ct_importance/saliency/estimator.py says",
        ),
        (
            ESTIMATOR.replace("    colour: ClassVar", "    color: ClassVar").replace(
                "def cost(", "def costs("
            ),
            "Brightness does not define colour, cost; ",
        ),
        ("import no_such_library", "others.*'no_such_library'.*install what it needs"),
    ],
)
def test_what_is_no_estimator_is_refused(plug_in, source, message):
    with plug_in(source), pytest.raises(InputError, match=message) as error:
        load("estimator", "brightness")
    assert "brightness" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_entry_point_without_a_module_is_refused(tmp_path):
    with (
        installed(tmp_path, "others", {}, {GROUP: {"brightness": "others.gone"}}),
        pytest.raises(InputError, match=r"others\.gone .*install what it needs"),
    ):
        load("estimator", "brightness")
