"""DeepLIFT is captum's where captum is right, and complete for every spelling of a network."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from captum.attr import DeepLift
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.errors import InputError
from ct_importance.saliency.differentiating import ExplainedScores
from tests.saliency.operations.test_relus import SPELLINGS, spelled

VALUES = {"black": 0.0, "grey": 0.5, "white": 1.0}


def explained(network, images, make_case, **options):
    case = make_case("deeplift", images_per_pass=4, **options)
    return case.estimator.attribute(case.batch(network, images))


def captums(network, images, value):
    scores = ExplainedScores(Classifier(network))
    baselines = torch.full_like(images, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of hooks
        return DeepLift(scores).attribute(images, baselines, target=1).detach()


def assert_complete(maps, network, images, value):
    change = network(images)[:, 0] - network(torch.full_like(images, value))[:, 0]
    torch.testing.assert_close(maps.sum((1, 2, 3)), change, rtol=1e-9, atol=1e-10)


def modules(activation):
    """A network of modules, none of which is called twice."""
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = nn.Sequential(
            *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), activation(), nn.AvgPool2d(2)),
            *(nn.Conv2d(4, 6, 3), activation(), nn.AdaptiveAvgPool2d(3), nn.Flatten()),
            *(nn.Linear(54, 8), activation(), nn.Linear(8, 1)),
        )
    return network.eval().requires_grad_(False).double()


@pytest.mark.parametrize("baseline", VALUES)
@pytest.mark.parametrize("activation", [nn.ReLU, nn.ELU, nn.Sigmoid, nn.Tanh])
def test_maps_are_captums(activation, baseline, images, make_case):
    network, images = modules(activation), images.double()
    maps = explained(network, images, make_case, baseline=baseline)
    expected = captums(network, images, VALUES[baseline])
    torch.testing.assert_close(maps, expected, rtol=1e-6, atol=1e-9 * expected.abs().max().item())
    assert_complete(maps, network, images, VALUES[baseline])


def test_the_rule_of_maxima_is_captums(images, make_case):
    """On the images themselves: behind another layer captum drops what its rule gives."""
    network = nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 1)).double()
    network, images = network.eval().requires_grad_(False), images.double()
    maps = explained(network, images, make_case, baseline="grey")
    torch.testing.assert_close(maps, captums(network, images, 0.5), rtol=1e-9, atol=1e-12)
    assert_complete(maps, network, images, 0.5)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_maps_are_the_same_and_complete_however_a_network_is_spelled(spelling, images, make_case):
    maps = explained(SPELLINGS[spelling](), images, make_case)
    exact = spelled(F.relu).double()
    expected = explained(exact, images.double(), make_case)
    assert_complete(expected, exact, images.double(), 0.0)
    torch.testing.assert_close(maps.double(), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "function",
    [
        *(F.gelu, F.silu, F.leaky_relu, F.hardswish, F.mish, F.softplus),
        lambda x: F.silu(x, inplace=True),
        lambda x: F.elu(x, inplace=True),
        lambda x: x * torch.sigmoid(x),
        lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),  # a gate, as in SE networks
        lambda x: F.max_pool2d(x, 3, stride=1, padding=1),  # its windows overlap
        lambda x: x.clamp(0, 0.3),
    ],
)
def test_differences_are_shared_out_without_remainder(function, images, make_case):
    network = spelled(function).double()
    maps = explained(network, images.double(), make_case, baseline="grey")
    assert_complete(maps, network, images.double(), 0.5)


@pytest.mark.parametrize(
    "function", [lambda x: x.softmax(1), lambda x: x @ x, torch.exp, lambda x: 1 / (1 + x * x)]
)
def test_what_has_no_rule_is_refused(function, images, make_case):
    with pytest.raises(InputError, match="deeplift: DeepLIFT has no rule for "):
        explained(spelled(function), images, make_case)
