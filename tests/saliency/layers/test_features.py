"""What a layer answers, and the gradient there."""

import pytest
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.errors import InputError
from ct_importance.plugins import load
from ct_importance.saliency.layers.features import Look
from tests.saliency.networks import batch_of, conv_network

TARGETS = torch.tensor([1, 0])


@pytest.fixture
def pair():
    return torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(4))


def look(network, images, layer):
    estimator = load("estimator", "grad_cam")()
    ids = ["a", "b"]
    batch = batch_of(
        *(estimator, Classifier(network), images, TARGETS),
        **{"name": "mine", "seed": 0, "slice_ids": ids, "images_per_pass": 2},
    )
    return Look(batch, layer)


def test_values_and_gradients_are_those_at_the_layer(pair):
    network = conv_network()
    found = look(network, pair, "4").features(pair, TARGETS)

    values = network[:5](pair).requires_grad_()
    answer = network[5:](values)[:, 0]
    (gradients,) = torch.autograd.grad(answer @ torch.tensor([1.0, -1.0]), values)
    assert torch.equal(found.values, values)
    assert torch.equal(found.gradients, gradients)
    assert torch.equal(look(network, pair, "4").values(pair), values)


class InPlace(nn.Module):
    """Changes what a layer answered, and calls one layer twice."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        once = self.act(self.conv(x))
        twice = self.act(self.conv(once))
        return (twice + once).mean((2, 3))


def test_what_follows_may_change_it_in_place_and_the_last_call_counts(pair):
    network = InPlace().eval().requires_grad_(False)
    with torch.no_grad():
        network.conv.weight.copy_(torch.linspace(-1, 1, 9).reshape(1, 1, 3, 3))
    once = network.conv(pair).relu()
    twice = network.conv(once)

    found = look(network, pair, "conv").features(pair, TARGETS)

    assert torch.equal(found.values, twice)
    assert (twice < 0).any()
    # By the last answer alone: not by the sum, nor through the first.
    expected = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1) * (twice > 0) / 1024
    torch.testing.assert_close(found.gradients, expected)


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("8", "answers with 1, in which places cannot be told apart"),
        ("aside", "does not lead to what the classifier answers"),
        ("idle", "is not called"),
        ("split", "answers with more than one tensor"),
    ],
)
def test_a_layer_that_will_not_do_is_named(pair, layer, why):
    class Odd(nn.Sequential):
        def forward(self, x):
            self.aside(x)
            self.split(x)
            for number in range(9):
                x = self[number](x)
            return x

    class Split(nn.Module):
        def forward(self, x):
            return x, x

    network = Odd(*conv_network())
    for name, module in [("aside", nn.ReLU()), ("idle", nn.ReLU()), ("split", Split())]:
        network.add_module(name, module)
    with pytest.raises(InputError, match=f"mine: layer '{layer}' of the classifier {why}"):
        look(network.eval(), pair, layer).features(pair, TARGETS)
