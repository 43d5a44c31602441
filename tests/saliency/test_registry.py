import subprocess
import sys
from types import ModuleType

import pydantic
import pytest

from ct_importance.errors import InputError
from ct_importance.saliency import registry
from ct_importance.saliency.estimator import EstimatorOptions
from ct_importance.saliency.registry import (
    available_estimators,
    is_composed,
    load_estimator,
    load_part,
    parts_of,
)


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
    if not is_composed(module):
        assert (method == "expected_gradients") == module.NEEDS_TRAINING_SLICES
    assert isinstance(module.FOLLOWS_PREDICTION, bool)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(InputError, match=r"no estimator 'gradcam'; there are backpropagation, .*"):
        load_estimator("gradcam")


def test_an_incomplete_module_is_answered_with_what_it_lacks(monkeypatch):
    monkeypatch.setattr(registry, "_modules", lambda folder: ["lacking"])
    module = ModuleType("ct_importance.saliency.estimators.lacking")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    where = (
        r"ct_importance/saliency/estimators/lacking\.py: does not define Options, "
        "FOLLOWS_PREDICTION, "
    )
    with pytest.raises(InputError, match=where + "NEEDS_TRAINING_SLICES, compute_importance"):
        load_estimator("lacking")
    module.combine = lambda parts: parts
    with pytest.raises(InputError, match=where + "parts;"):
        load_estimator("lacking")


def test_a_kind_of_part_that_lacks_something_is_an_error(monkeypatch):
    with pytest.raises(InputError, match=r"there is no ct_importance/saliency/shared/wavelets\.py"):
        load_part("wavelets")
    monkeypatch.setattr(registry, "_modules", lambda folder: ["lacking"])
    module = ModuleType("ct_importance.saliency.shared.lacking")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with pytest.raises(InputError, match="does not define Options, MAPS, compute_part"):
        load_part("lacking")


def test_equal_parts_have_equal_names_that_files_can_have():
    one, other = load_estimator("integrated_gradients"), load_estimator("integrated_gradients_bw")
    (black,) = parts_of(one, one.Options(steps=7)).values()
    both = parts_of(other, other.Options(steps=7))
    assert black.name == both["black"].name == "path_gradients-reference_0.0-steps_7"
    assert both["white"].name == "path_gradients-reference_1.0-steps_7"
    assert parts_of(one, one.Options(steps=8))["black"].name != black.name
    assert parts_of(load_estimator("random"), None) == {}


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
        "from ct_importance.saliency.registry import available_estimators, load_estimator\n"
        "import ct_importance.classifier.options\n"
        "for name in available_estimators(): load_estimator(name).Options()\n"
        "heavy = {'torch', 'captum', 'pandas', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import random\n"
        "assert random.random() < 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
