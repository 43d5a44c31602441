"""Attributions of captum by name."""

import captum.attr
import numpy as np
import pydantic
import pytest
import torch
import torch.nn.functional as F

from ct_importance.errors import InputError
from ct_importance.plugins import load
from ct_importance.saliency.captum_signatures import SIGNATURES
from ct_importance.saliency.explain import importance_of
from tests.saliency.captum_signatures import signature
from tests.saliency.networks import conv_network

FEW = {"n_steps": 6, "n_samples": 10}
LAYER = "4"


def options_of(name):
    known = SIGNATURES[name]
    few = {key: value for key, value in FEW.items() if key in known.options}
    layer = {"layer": LAYER} if known.takes_layer else {}
    return {"attribution": name, "arguments": few, "grid": 4} | layer


def explain(case, images):
    return torch.as_tensor(importance_of(case.estimator, case.batch(conv_network(), images)))


@pytest.mark.parametrize("name", SIGNATURES)
def test_what_is_known_of_captum_is_in_step_with_it(name):
    assert tuple(SIGNATURES[name]) == signature(name)


@pytest.mark.parametrize("name", SIGNATURES)
def test_maps_depend_on_no_batch(name, images, make_case):
    options = options_of(name)
    together = explain(make_case("captum", **options), images)
    alone = make_case("captum", slice_ids=["slice 3"], images_per_pass=3, **options)
    found = explain(alone, images[3:4])
    assert together.shape == images.shape
    assert (together != 0).any()
    torch.testing.assert_close(found[0], together[3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["IntegratedGradients", "Saliency", "InputXGradient"])
def test_it_is_captums(name, images, make_case):
    options = options_of(name)
    network = conv_network()
    with_two = lambda x: torch.cat([-network(x), network(x)], dim=1)  # noqa: E731
    expected = getattr(captum.attr, name)(with_two).attribute(
        images.clone().requires_grad_(), target=1, **options["arguments"]
    )
    found = explain(make_case("captum", **options), images)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-6)


def test_a_layer_is_enlarged(images, make_case):
    network = conv_network()
    expected = captum.attr.LayerConductance(network, network[4]).attribute(images, n_steps=6)
    expected = F.interpolate(expected.sum(1, keepdim=True), (32, 32), mode="bilinear")
    found = explain(make_case("captum", **options_of("LayerConductance")), images)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-3, atol=1e-5)


def test_hiding_squares_is_what_it_says(images, make_case):
    network = conv_network()
    found = explain(make_case("captum", **options_of("FeatureAblation")), images)
    hidden = images.clone()
    hidden[:, :, 8:16, :8] = 0
    expected = (network(images) - network(hidden))[:, 0]
    np.testing.assert_allclose(found[:, 0, 9, 3], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"attribution": "Occlussion"}, "attribution"),
        ({"attribution": "Saliency", "arguments": {"n_steps": 3}}, "arguments.n_steps: Saliency"),
        (
            {"attribution": "KernelShap", "arguments": {"n_samples": "3"}},
            "must be of the kind of 25",
        ),
        ({"attribution": "KernelShap", "arguments": {"n_samples": 0}}, "at least 2"),
        ({"attribution": "Saliency", "layer": "4"}, "takes no layer"),
        ({"attribution": "LayerGradCam"}, "needs a layer"),
    ],
)
def test_names_and_arguments_are_checked_while_the_workflow_is_read(options, reason):
    with pytest.raises(pydantic.ValidationError, match=reason):
        load("estimator", "captum")(**options)


def test_a_layer_without_places_is_refused(images, make_case):
    case = make_case("captum", attribution="LayerActivation", arguments={}, layer="8")
    with pytest.raises(InputError, match="places cannot be told apart"):
        explain(case, images)
