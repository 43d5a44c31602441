"""LRP: closed formulas layer by layer, conservation, and every spelling of a network."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.resnet import ResNet50
from ct_importance.errors import InputError
from tests.saliency.networks import LinearNetwork
from tests.saliency.operations.test_relus import SPELLINGS, spelled
from tests.saliency.operations.test_shares import lively

COMPOSITES = ("epsilon", "epsilon_plus_flat", "alpha_beta")


def explained(network, images, make_case, **options):
    case = make_case("lrp", **options)
    return case.estimator.attribute(case.batch(network, images))


def chain():
    """Layers one after another, whose relevance can be passed on by hand; biases are not zero."""
    with torch.random.fork_rng():
        torch.manual_seed(9)
        network = nn.Sequential(
            *(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1)),
            *(nn.Conv2d(4, 6, 3, padding=1, groups=2), nn.ReLU(), nn.AvgPool2d(2)),
            *(nn.Flatten(), nn.Linear(96, 5), nn.ReLU(), nn.Linear(5, 1)),
        )
    return network.eval().requires_grad_(False).double()


def stable(values, by=1e-6):
    return values + by * torch.where(values < 0, -1, 1)


def passed(layer, a, relevance, composite, is_first):
    """R of the input a of a layer, by the formula of its rule."""

    def with_weights(weight, bias):
        options = (layer.stride, layer.padding, layer.dilation, layer.groups)
        return lambda x: F.conv2d(x, weight, bias, *options)

    def shares(*terms):
        """a_i w_ij / sum, of the terms (input, function) that count."""
        inputs = [x.detach().requires_grad_() for x, _ in terms]
        z = sum(function(x) for x, (_, function) in zip(inputs, terms, strict=True))
        slopes = torch.autograd.grad(z, inputs, relevance / stable(z.detach()))
        return sum(x.detach() * slope for x, slope in zip(inputs, slopes, strict=True))

    if not isinstance(layer, nn.Conv2d) or (composite == "epsilon" and not is_first):
        return shares((a, layer))
    if composite == "epsilon":
        return shares((a, layer))
    if composite == "epsilon_plus_flat" and is_first:
        return shares((torch.ones_like(a), with_weights(torch.ones_like(layer.weight), None)))
    up, down = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
    positive, negative = a.clamp(min=0), a.clamp(max=0)
    above = shares(
        (positive, with_weights(up, layer.bias.clamp(min=0))), (negative, with_weights(down, None))
    )
    if composite == "epsilon_plus_flat":
        return above
    below = shares(
        (positive, with_weights(down, layer.bias.clamp(max=0))), (negative, with_weights(up, None))
    )
    return 2 * above - below


@pytest.mark.parametrize("composite", COMPOSITES)
def test_relevance_is_that_of_formulas_passed_on_by_hand(composite, images, make_case):
    network, images = chain(), images.double()
    inputs = [images]
    for layer in network:
        inputs.append(layer(inputs[-1]))
    relevance = inputs.pop()
    for number, (layer, a) in reversed(list(enumerate(zip(network, inputs, strict=True)))):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            relevance = passed(layer, a, relevance, composite, number == 0)
        elif isinstance(layer, nn.AvgPool2d):
            x = a.clone().requires_grad_()
            z = layer(x)
            relevance = a * torch.autograd.grad(z, x, relevance / stable(z.detach()))[0]
        elif not isinstance(layer, nn.ReLU):
            x = a.clone().requires_grad_()
            relevance = torch.autograd.grad(layer(x), x, relevance)[0]

    maps = explained(network, images, make_case, composite=composite)

    scale = relevance.abs().max().item()
    torch.testing.assert_close(maps, relevance, rtol=0, atol=1e-4 * scale)


@pytest.mark.parametrize("composite", COMPOSITES)
def test_without_biases_relevance_is_conserved(composite, images, make_case):
    """Features argue one way only: a score near 0, of large terms, would be nothing to compare."""
    network = ResNet50().eval().requires_grad_(False).double()
    network.fc.weight.abs_()
    nn.init.zeros_(network.fc.bias)
    images = images[:2].double()
    maps = explained(network, images, make_case, composite=composite)
    score = network(images)[:, 0]
    torch.testing.assert_close(maps.sum((1, 2, 3)), score, rtol=1e-3, atol=0)


def test_epsilon_is_nearly_input_times_gradient(images, make_case):
    """Biases take the rest, which is why it is no longer the score."""
    network = fold_batch_norm(lively(ResNet50())).double()
    images = images[:2].double()
    maps = explained(network, images, make_case, composite="epsilon", epsilon=1e-12)
    case = make_case("input_x_gradient")
    expected = case.estimator.attribute(case.batch(network, images))
    torch.testing.assert_close(maps, expected, rtol=1e-5, atol=1e-8 * expected.abs().max().item())
    assert not torch.allclose(maps.sum((1, 2, 3)), network(images)[:, 0], rtol=0.01)


@pytest.mark.parametrize("composite", COMPOSITES)
def test_maps_are_the_same_however_a_network_is_spelled(composite, images, make_case):
    expected = explained(spelled(F.relu), images, make_case, composite=composite)
    scale = expected.abs().max().item()
    for name, make in SPELLINGS.items():
        maps = explained(make(), images, make_case, composite=composite)
        torch.testing.assert_close(maps, expected, rtol=0, atol=1e-4 * scale, msg=name)


def test_with_alpha_1_only_what_argues_for_an_answer_counts(images, make_case):
    network = fold_batch_norm(spelled(F.relu))
    one = explained(network, images, make_case, composite="alpha_beta", alpha=1.0)
    two = explained(network, images, make_case, composite="alpha_beta")
    assert not torch.allclose(one, two)


@pytest.mark.parametrize("function", [F.gelu, torch.sigmoid, lambda x: x * x.mean()])
def test_what_has_no_rule_is_refused(function, images, make_case):
    with pytest.raises(InputError, match="lrp: relevance propagation has no rule for "):
        explained(spelled(function), images, make_case)


def test_a_network_without_layers_is_refused(images, make_case):
    with pytest.raises(InputError, match="lrp: the network has no layers"):
        explained(LinearNetwork(32), images, make_case)
