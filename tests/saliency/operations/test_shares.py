"""FullGrad: shares sum up to the score; maps are those of a reference by hooks on modules."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.resnet import ResNet50
from ct_importance.errors import InputError
from ct_importance.saliency.differentiating import ExplainedScores
from ct_importance.saliency.gradients import input_gradient
from ct_importance.saliency.operations.shares import BiasShares
from tests.saliency.networks import conv_network
from tests.saliency.operations.test_relus import SPELLINGS, spelled


def shared_out(network, images):
    """The shares of pixels, those of biases, and the score that they are of."""
    scores, collected = ExplainedScores(Classifier(network)), BiasShares("fullgrad")
    targets = torch.ones(len(images)).long()

    def watched(points):
        with collected:
            return scores(points)

    pixels = images * input_gradient(watched, images, targets, collected.change)
    return pixels, collected.shares, network(images)[:, 0]


def lively(network):
    """A network whose biases and normalisations are no zeros and ones."""
    with torch.random.fork_rng():
        torch.manual_seed(6)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.2)
    return network.eval().requires_grad_(False)


NETWORKS = {
    "small": conv_network,
    "resnet50": lambda: lively(ResNet50()),
    "resnet50, folded": lambda: fold_batch_norm(lively(ResNet50())),
    "leaky": lambda: spelled(F.leaky_relu),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_shares_of_pixels_and_biases_sum_up_to_the_score(network, images, make_case):
    if network.startswith("resnet50"):
        images = images.repeat(1, 1, 2, 2)  # the last map then has more than one place
    pixels, shares, scores = shared_out(NETWORKS[network]().double(), images[:2].double())
    found = sum(part.flatten(1).sum(1) for part in [pixels, *shares])
    torch.testing.assert_close(found, scores, rtol=1e-9, atol=1e-9)
    assert (pixels.flatten(1).sum(1) - scores).abs().min() > 1e-4


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_shares_sum_up_however_a_network_is_spelled(spelling, images):
    pixels, shares, scores = shared_out(SPELLINGS[spelling](), images)
    found = sum(part.flatten(1).sum(1) for part in [pixels, *shares])
    torch.testing.assert_close(found, scores, rtol=1e-4, atol=1e-5)


def reference(network, images):
    """FullGrad by hooks on the modules of a network without normalisation."""
    answers = {}
    handles = [
        module.register_forward_hook(
            lambda module, given, answer: answers.setdefault(module, answer.requires_grad_())
        )
        for module in network.modules()
        if isinstance(module, nn.Conv2d) and module.bias is not None
    ]
    x = images.clone().requires_grad_()
    score = network(x).sum()
    slope, *slopes = torch.autograd.grad(score, [x, *answers.values()])
    for handle in handles:
        handle.remove()

    def stretched(values):
        values = values.abs()
        low = values.amin((1, 2, 3), keepdim=True)
        return (values - low) / (values.amax((1, 2, 3), keepdim=True) - low)

    total = stretched(slope * x.detach())
    for module, gradient in zip(answers, slopes, strict=True):
        values = stretched(gradient * module.bias[:, None, None])
        resized = F.interpolate(values, images.shape[2:], mode="bilinear", align_corners=True)
        total = total + resized.sum(1, keepdim=True)
    return total


def test_maps_are_those_of_the_reference(images, make_case):
    network = fold_batch_norm(conv_network()).double()
    case, images = make_case("fullgrad"), images.double()
    maps = case.estimator.attribute(case.batch(network, images))
    torch.testing.assert_close(maps, reference(network, images), rtol=1e-9, atol=1e-9)
    assert (maps >= 0).all()


@pytest.mark.parametrize("function", [F.gelu, torch.sigmoid, lambda x: x * x])
def test_other_networks_are_refused(function, images, make_case):
    case = make_case("fullgrad")
    with pytest.raises(InputError, match="fullgrad: FullGrad is for networks of ReLUs"):
        case.estimator.attribute(case.batch(spelled(function), images))
