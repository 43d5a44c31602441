"""Every estimator keeps the contract of `ct_importance.saliency.estimator`."""

import inspect
import re
import subprocess
import sys

import pydantic
import pytest

from ct_importance.plugins import load, names
from tests.estimators import PAPER
from tests.saliency.networks import quick


def test_all_estimators_of_the_paper_are_there():
    assert set(PAPER) <= set(names("estimator"))


@pytest.mark.parametrize("method", names("estimator"))
def test_each_says_what_it_is(method):
    estimator = load("estimator", method)
    assert re.fullmatch("#[0-9A-F]{6}", estimator.colour)
    assert re.search(r"\b(19|20)\d\d\b", estimator.reference)
    assert estimator.needs <= {
        "training_images",
        "training_masks",
        "given_maps",
        "layers",
        "segments",
    }
    assert estimator.__doc__


def test_titles_and_lines_differ():
    estimators = [load("estimator", name) for name in names("estimator")]
    assert len({it.title for it in estimators}) == len(estimators)
    assert len({(it.colour, it.dashes) for it in estimators}) == len(estimators)


def test_equal_shared_work_has_equal_names_that_files_can_have():
    one, other = (
        load("estimator", "integrated_gradients"),
        load("estimator", "integrated_gradients_bw"),
    )
    (black,) = one(steps=7).shared().values()
    both = other(steps=7).shared()
    stem = "path_gradients-reference_{}-steps_7-target_predicted"
    assert black.name == both["black"].name == stem.format("0.0")
    assert both["white"].name == stem.format("1.0")
    assert one(steps=8).shared()["black"].name != black.name
    assert one(steps=7, target="last").shared()["black"].name != black.name
    assert load("estimator", "random")().shared() == {}


SHARING = [name for name in names("estimator") if quick(name).shared()]


@pytest.mark.parametrize("method", [it for it in SHARING if not load("estimator", it)().built_on])
def test_options_of_shared_work_are_declared_where_the_work_is(method):
    estimator = load("estimator", method)
    of_work = {name for work in estimator().shared().values() for name in type(work).model_fields}

    assert of_work & set(estimator.model_fields) > {"target"}
    own = estimator.model_fields.keys() & inspect.get_annotations(estimator)
    assert not of_work & own


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
        load("estimator", method).model_validate(options)


def test_estimators_and_options_load_without_torch():
    code = (
        "import sys\n"
        "from ct_importance.plugins import load, names\n"
        "import ct_importance.classifier.options, ct_importance.saliency.jobs\n"
        "for name in names('estimator'):\n"
        "    estimator = load('estimator', name)\n"
        "    if not any(it.is_required() for it in estimator.model_fields.values()):\n"
        "        estimator().shared()\n"
        "heavy = {'torch', 'captum', 'pandas', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import random\n"
        "assert random.random() < 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
