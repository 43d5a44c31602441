import subprocess
import sys

import pydantic
import pytest

from scripts.errors import InputError
from scripts.saliency import registry
from scripts.saliency.contract import EstimatorOptions
from scripts.saliency.registry import available_estimators, load_estimator


def test_all_estimators_of_the_paper_are_there():
    assert available_estimators() == [
        "backpropagation",
        "deconvolution",
        "expected_gradients",
        "integrated_gradients",
        "integrated_gradients_bw",
        "random",
        "smoothgrad",
        "smoothgrad_squared",
    ]


@pytest.mark.parametrize("method", available_estimators())
def test_each_keeps_the_contract(method):
    module = load_estimator(method)
    assert issubclass(module.Options, EstimatorOptions)
    assert method == "expected_gradients" or not module.NEEDS_TRAINING_SLICES
    assert isinstance(module.FOLLOWS_PREDICTION, bool)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match=r"no estimator 'gradcam'; there are backpropagation, .*"):
        load_estimator("gradcam")


def test_an_incomplete_module_is_answered_with_what_it_lacks(monkeypatch):
    monkeypatch.setattr(registry, "PACKAGE", "scripts.saliency")
    monkeypatch.setattr(registry, "available_estimators", lambda: ["contract"])
    with pytest.raises(InputError, match=r"contract\.py: does not define FOLLOWS_PRED"):
        load_estimator("contract")


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("integrated_gradients", {"steps": 1}),
        ("integrated_gradients_bw", {"steps": -1}),
        ("expected_gradients", {"samples": 0}),
        ("smoothgrad", {"samples": 0}),
        ("smoothgrad", {"noise": -0.1}),
        ("smoothgrad_squared", {"noise": "much"}),
        ("backpropagation", {"steps": 3}),
        ("random", {"seed": 1}),
    ],
)
def test_wrong_options_are_refused(method, options):
    with pytest.raises(pydantic.ValidationError, match=next(iter(options))):
        load_estimator(method).Options.model_validate(options)


def test_estimators_and_options_load_without_torch():
    code = (
        "import sys\n"
        "from scripts.saliency.registry import available_estimators, load_estimator\n"
        "import scripts.model.options\n"
        "for name in available_estimators(): load_estimator(name).Options()\n"
        "heavy = {'torch', 'captum', 'pandas', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import random\n"
        "assert random.random() < 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
