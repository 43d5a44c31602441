"""LRP of ResNet-50 is zennit's."""

import importlib
import sys
from types import ModuleType

import pytest
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ct_importance.classifier.resnet import Bottleneck, ResNet50
from ct_importance.saliency.operations import relevance
from tests.saliency.operations.test_shares import lively

STABILISER = 1e-12
"""Of both: where quotients are of small numbers, another stabiliser is another map."""


@pytest.fixture(scope="module")
def zennit():
    """The package, which asks torchvision for two classes only; that need not be installed."""
    names = ("torchvision", "torchvision.models", "torchvision.models.resnet")
    stubs = {name: ModuleType(name) for name in names}
    stubs[names[-1]].Bottleneck = stubs[names[-1]].BasicBlock = type("Nothing", (), {})
    with pytest.MonkeyPatch.context() as patch:
        for name, stub in stubs.items():
            patch.setitem(sys.modules, name, stub)
        for part in ("composites", "layer", "rules", "types"):
            importlib.import_module(f"zennit.{part}")
        yield sys.modules["zennit"]


@pytest.fixture(scope="module")
def network():
    """ResNet-50 in float64 with normalisation folded, whose sums can become modules."""
    found = lively(ResNet50()).double()
    for parent in list(found.modules()):
        for number in "123":
            if hasattr(parent, f"conv{number}"):
                fold(parent, f"conv{number}", f"bn{number}")
        if getattr(parent, "downsample", None) is not None:
            fold(parent.downsample, "0", "1")
    return found


def fold(parent, convolution, norm):
    pair = getattr(parent, convolution), getattr(parent, norm)
    setattr(parent, convolution, fuse_conv_bn_eval(*pair))
    setattr(parent, norm, nn.Identity())


def composite(zennit, name):
    rules, types = zennit.rules, zennit.types
    norm = rules.Norm(stabilizer=STABILISER)
    layers = [
        (types.Activation, rules.Pass()),
        (zennit.layer.Sum, norm),
        (types.AvgPool, norm),
    ]
    of_convolution = {
        "epsilon": rules.Epsilon(epsilon=STABILISER),
        "epsilon_plus_flat": rules.ZPlus(stabilizer=STABILISER),
        "alpha_beta": rules.AlphaBeta(alpha=2, beta=1, stabilizer=STABILISER),
    }
    layers += [
        (types.Convolution, of_convolution[name]),
        (nn.Linear, rules.Epsilon(epsilon=STABILISER)),
    ]
    first = [(types.Convolution, rules.Flat(stabilizer=STABILISER))]
    if name != "epsilon_plus_flat":
        return zennit.composites.LayerMapComposite(layers)
    return zennit.composites.SpecialFirstLayerMapComposite(layers, first)


@pytest.mark.parametrize("name", ["epsilon", "epsilon_plus_flat", "alpha_beta"])
def test_relevance_of_resnet50_is_zennits(name, zennit, network, images, make_case, monkeypatch):
    images = images[:2].double().repeat(1, 1, 2, 2)
    monkeypatch.setattr(relevance, "STABILISER", STABILISER)
    case = make_case("lrp", composite=name, epsilon=STABILISER)
    maps = case.estimator.attribute(case.batch(network, images))

    for module in network.modules():
        if isinstance(module, Bottleneck):
            monkeypatch.setattr(module, "total", zennit.layer.Sum(), raising=False)
    monkeypatch.setattr(Bottleneck, "forward", with_sum)
    points = images.requires_grad_()
    with composite(zennit, name).context(network) as modified:
        scores = modified(points)
        (expected,) = torch.autograd.grad(scores, points, scores.detach())

    scale = expected.abs().max().item()
    torch.testing.assert_close(maps, expected, rtol=0, atol=1e-7 * scale)


def with_sum(self, x):
    """A block whose sum is a module, for which zennit has a rule."""
    identity = x if self.downsample is None else self.downsample(x)
    out = self.conv3(self.relu2(self.conv2(self.relu1(self.conv1(x)))))
    return self.relu3(self.total(torch.stack([out, identity], dim=-1)))
