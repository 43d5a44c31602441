"""Deconvolution and guided backpropagation are the same for every spelling of a ReLU."""

import tempfile

import pytest
import torch
import torch.nn.functional as F
from captum.attr import Deconvolution, GuidedBackprop
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.sources.program import Program
from ct_importance.cohort.options import ExtractionOptions
from ct_importance.compute.device import channels_last
from ct_importance.errors import InputError
from ct_importance.saliency.differentiating import ExplainedScores


class Spelled(nn.Module):
    """Two convolutions, each followed by a ReLU that is spelled in some way."""

    def __init__(self, first, second):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(4)
            self.one = nn.Conv2d(1, 4, 3, padding=1)
            self.norm = nn.BatchNorm2d(4)
            self.two = nn.Conv2d(4, 4, 3, padding=1)
            self.last = nn.Linear(4 * 16 * 16, 1)
        self.first, self.second = first, second

    def forward(self, x):
        x = self.first(self.norm(self.one(x)))
        x = self.second(self.two(x) + x)
        return self.last(F.max_pool2d(x, 2).flatten(1))


def spelled(first, second=None):
    return Spelled(first, second or first).eval().requires_grad_(False)


def overwritten(x):
    x.relu_()
    return x


SPELLINGS = {
    "in-place modules": lambda: spelled(nn.ReLU(inplace=True), nn.ReLU(inplace=True)),
    "a reused module": lambda: spelled(nn.ReLU()),
    "a reused in-place module": lambda: spelled(nn.ReLU(inplace=True)),
    "functional": lambda: spelled(F.relu),
    "functional in-place": lambda: spelled(lambda x: F.relu(x, inplace=True)),
    "torch": lambda: spelled(torch.relu),
    "method": lambda: spelled(torch.Tensor.relu),
    "overwritten": lambda: spelled(overwritten),
    "an operation": lambda: spelled(torch.ops.aten.relu.default),
    "an exported program": lambda: exported(spelled(nn.ReLU(), F.relu)),
    "an exported program, in-place": lambda: exported(spelled(nn.ReLU(inplace=True))),
    "a program": lambda: taken_over(spelled(nn.ReLU(), F.relu)),
    "a program, reused and in-place": lambda: taken_over(spelled(nn.ReLU(inplace=True))),
    "a program, overwritten": lambda: taken_over(spelled(overwritten)),
    "a program, decomposed": lambda: taken_over(spelled(nn.ReLU(inplace=True)), decomposed=True),
    "a program, channels-last": lambda: channels_last(taken_over(spelled(F.relu))),
}


def exported(network):
    return program_of(network, dynamic_shapes=({0: torch.export.Dim("batch")},)).module()


def taken_over(network, decomposed=False):
    """The network as `source: program` has it."""
    program = program_of(network, dynamic_shapes=({0: torch.export.Dim("batch")},))
    with tempfile.TemporaryDirectory() as folder:
        file, classifier = f"{folder}/net.pt2", f"{folder}/classifier.pt"
        torch.export.save(program.run_decompositions() if decomposed else program, file)
        source = Program(program=file)
        source.take_over(ExtractionOptions(image_size=32), classifier)
        return source.load(classifier).network


def program_of(network, **how):
    return torch.export.export(network, (torch.rand(2, 1, 32, 32),), **how)


CAPTUMS = {"deconvolution": Deconvolution, "guided_backprop": GuidedBackprop}


def explained(network, images, make_case, method="deconvolution"):
    case = make_case(method)
    return case.estimator.attribute(case.batch(network, images))


@pytest.mark.parametrize("method", CAPTUMS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_maps_are_those_of_modules_with_hooks(spelling, method, images, make_case):
    modules = spelled(nn.ReLU(), nn.ReLU())
    scores = ExplainedScores(Classifier(modules))
    with pytest.warns(UserWarning, match="Setting backward hooks"):
        expected = CAPTUMS[method](scores).attribute(images.clone().requires_grad_(), target=1)

    maps = explained(SPELLINGS[spelling](), images, make_case, method)

    torch.testing.assert_close(maps, expected, rtol=1e-5, atol=1e-8)
    assert (maps != 0).any()


@pytest.mark.parametrize("method", CAPTUMS)
@pytest.mark.parametrize("activation", [F.leaky_relu, torch.sigmoid, F.gelu])
def test_networks_without_relus_are_refused(activation, method, images, make_case):
    with pytest.raises(InputError, match=f"{method}: the network has no ReLU"):
        explained(spelled(activation), images, make_case, method)


def test_other_activations_are_differentiated_as_usual(images, make_case):
    """The gradient of a network whose one ReLU is its last operation, of positive numbers."""
    network = spelled(F.leaky_relu, torch.sigmoid)
    x = images.clone().requires_grad_()
    network(x).sum().backward()

    class Rectified(nn.Module):
        def forward(self, x):
            return network(x).add(100).relu()

    torch.testing.assert_close(explained(Rectified(), images, make_case), x.grad)


def test_a_threshold_at_0_is_a_relu_and_another_is_none(images, make_case):
    at_zero = explained(spelled(lambda x: F.threshold(x, 0, 0)), images, make_case)
    torch.testing.assert_close(at_zero, explained(spelled(F.relu), images, make_case))
    with pytest.raises(InputError, match="no ReLU"):
        explained(spelled(lambda x: F.threshold(x, 0.1, 0)), images, make_case)


def test_the_gradient_of_others_is_left_alone(images, make_case):
    network = spelled(F.relu)
    before = [torch.autograd.grad(network(x).sum(), x)[0] for x in [images.requires_grad_()]]
    explained(network, images.detach(), make_case)
    after = [torch.autograd.grad(network(x).sum(), x)[0] for x in [images.requires_grad_()]]
    assert torch.equal(before[0], after[0])
