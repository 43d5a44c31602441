"""Maps sum up to the difference of scores that their estimator promises."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ct_importance.plugins import load, names
from ct_importance.saliency.completeness import Completeness
from ct_importance.saliency.explain import maps_of
from tests.saliency.networks import LinearNetwork, conv_network, quick

PRECISE = {
    # options, and how far maps may be from the difference, as a share of the largest
    "blur_ig": ({"sigma": 4, "steps": 400}, 5e-3),
    "captum": ({"arguments": {"n_steps": 50}}, 1e-2),
    "deeplift": ({}, 1e-6),
    "expected_gradients": ({"samples": 2000}, 5e-2),
    "guided_ig": ({"steps": 200, "max_distance": 0.001}, 2e-2),
    "integrated_gradients": ({"steps": 400}, 5e-3),
    "integrated_gradients_bw": ({"steps": 400}, 5e-3),
}


def measured(case, network, images):
    batch = case.batch(network, images)
    return Completeness(case.estimator).columns(batch, maps_of(case.estimator, batch))


def share(columns):
    return np.abs(columns["gap"]).max() / np.abs(columns["difference"]).max()


def test_all_that_promise_it_are_tried():
    promising = {name for name in names("estimator") if load("estimator", name).complete}
    assert promising == set(PRECISE)


@pytest.mark.parametrize("method", PRECISE)
def test_maps_sum_up_to_what_is_promised(method, images, make_case):
    options, tolerance = PRECISE[method]
    case = make_case(method, slice_ids=["a", "b"], images_per_pass=64, **options)
    columns = measured(case, conv_network(), images[:2])
    assert share(columns) < tolerance
    other = measured(replace(case, target=0), conv_network(), images[:2])
    np.testing.assert_allclose(other["difference"], -columns["difference"], rtol=1e-4, atol=1e-6)


def test_more_steps_do_not_close_the_gap_of_guided_ig(images, make_case):
    """Its steps are leaps within a band: of the band, not of the steps, the gap depends."""
    gaps = [
        share(measured(make_case("guided_ig", slice_ids=["a"], **it), conv_network(), images[:1]))
        for it in ({"steps": 50}, {"steps": 200}, {"steps": 200, "max_distance": 0.001})
    ]
    assert gaps[1] > 0.8 * gaps[0]
    assert gaps[2] < 0.2 * gaps[1]


DIFFERENCES = {
    "integrated_gradients": lambda score, x: score(x) - score(0 * x),
    "integrated_gradients_bw": lambda score, x: score(x) - (score(0 * x) + score(0 * x + 1)) / 2,
    "deeplift": lambda score, x: score(x) - score(0 * x),
    "guided_ig": lambda score, x: score(x) - score(0 * x),
}


@pytest.mark.parametrize("method", DIFFERENCES)
def test_the_difference_is_that_of_the_scores(method, images, make_case):
    network = conv_network()
    columns = measured(make_case(method), network, images)
    expected = DIFFERENCES[method](lambda x: network(x)[:, 0], images)
    np.testing.assert_allclose(columns["difference"], expected, rtol=1e-3, atol=1e-6)


def test_expected_gradients_are_compared_with_the_mean_of_training_slices(images, make_case):
    network, case = conv_network(), make_case("expected_gradients")
    training = torch.from_numpy(case.training_images())[:, None]
    columns = measured(case, network, images)
    expected = network(images)[:, 0] - network(training).mean()
    np.testing.assert_allclose(columns["difference"], expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("method", ["input_x_gradient", "lrp", "fullgrad", "guided_backprop"])
def test_a_map_that_does_not_sum_up_has_a_gap(method, images, make_case):
    promising = make_case("deeplift").estimator
    case = make_case(method)
    batch = case.batch(conv_network(), images)
    columns = Completeness(promising).columns(batch, maps_of(case.estimator, batch))
    assert share(columns) > 0.1


def test_on_a_linear_network_few_steps_are_enough(images, make_case):
    case = make_case("integrated_gradients", steps=2)
    assert share(measured(case, LinearNetwork(32, bias=0.7), images)) < 1e-5


@pytest.mark.parametrize("options", [{"smooth": {"samples": 2}}, {"blur": 1.0}])
def test_of_noisy_copies_and_of_blurred_maps_nothing_is_promised(options, images, make_case):
    case = make_case("deeplift", **options)
    assert measured(case, conv_network(), images) == {}
    assert Completeness(case.estimator).fields() == []


def test_attributions_of_captum_promise_by_their_name():
    promising = quick("captum")
    assert promising.is_complete
    without_input = {"n_steps": 4, "multiply_by_inputs": False}
    assert not quick("captum", arguments=without_input).is_complete
    assert not quick("captum", attribution="Saliency", arguments={}).is_complete


def test_references_of_all_slices_are_asked_once(images, make_case):
    case = make_case("expected_gradients")
    network, asked = conv_network(), []
    network.register_forward_pre_hook(lambda _, given: asked.append(len(given[0])))
    batch = case.batch(network, images)
    check, maps = Completeness(case.estimator), np.zeros((5, 32, 32), np.float32)
    check.columns(batch, maps)
    first = sum(asked)
    check.columns(batch, maps)
    assert (first, sum(asked) - first) == (5 + 9, 5)
