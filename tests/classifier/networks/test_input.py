import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier, OneLogit
from ct_importance.classifier.forward.export import graph_of, largest_difference
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.classifier.networks.input import Prepared, prepared
from ct_importance.classifier.options import InputOptions
from ct_importance.compute.device import in_precision
from ct_importance.errors import InputError

HU = (-1000.0, 400.0)
WINDOWS = [(-1000, 400), (-160, 240), (-1000, -300)]
ALL = InputOptions(
    windows=WINDOWS,
    normalize={"mean": [0.4, 0.5, 0.6], "std": [0.1, 0.2, 0.3]},
    image_size=(12, 20),
)


class Same(nn.Module):
    """Answers with what it is given."""

    def forward(self, x):
        return x


class Small(nn.Module):
    def __init__(self, channels=3, outputs=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, outputs)

    def forward(self, x):
        return self.fc(torch.relu(self.bn1(self.conv1(x))).mean(dim=(2, 3)))


@pytest.fixture
def slices():
    return torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Small().eval().requires_grad_(False)


def seen(slices, **options):
    return prepared(Same(), InputOptions(**options), HU)(slices)


def bilinear(to, of):
    """The weights (to, of) with which pixels of a line make those of a resized line."""
    centres = np.clip((np.arange(to) + 0.5) * of / to - 0.5, 0, of - 1)
    first = np.minimum(centres.astype(int), of - 2)
    weights = np.zeros((to, of), np.float32)
    weights[np.arange(to), first] = 1 - (centres - first)
    weights[np.arange(to), first + 1] += centres - first
    return torch.from_numpy(weights)


def test_by_default_nothing_is_put_in_front(network):
    for options in (InputOptions(), InputOptions(channels=1)):
        assert prepared(network, options, HU) is network
        assert options.input == {}


def test_three_channels_are_copies(slices):
    found = seen(slices, channels=3)
    assert torch.equal(found, slices.repeat(1, 3, 1, 1))


def test_windows_are_those_of_hounsfield_units(slices):
    hounsfield = HU[0] + slices * (HU[1] - HU[0])
    direct = [((hounsfield - low) / (high - low)).clamp(0, 1) for low, high in WINDOWS]
    torch.testing.assert_close(seen(slices, windows=WINDOWS), torch.cat(direct, dim=1))
    assert seen(slices, windows=WINDOWS[2:]).shape == (2, 1, 16, 16)


@pytest.mark.parametrize("mean", [0.4, (0.4, 0.5, 0.6)])
def test_a_mean_is_subtracted_before_the_division(slices, mean):
    found = seen(slices, channels=3, normalize={"mean": mean, "std": 0.25})
    expected = (slices - torch.tensor(mean).reshape(-1, 1, 1)) / 0.25
    torch.testing.assert_close(found, expected.expand(2, 3, 16, 16))


def test_slices_are_resized_to_what_need_not_be_square(slices):
    found = seen(slices, image_size=(12, 20))
    expected = bilinear(12, 16) @ slices @ bilinear(20, 16).T
    torch.testing.assert_close(found, expected)


def test_gradients_come_back_in_the_grid_of_the_slice(slices, network):
    """Each step is undone by hand, and what comes back from the channels is summed."""
    x = slices.clone().requires_grad_()
    prepared(network, ALL, HU)(x).sum().backward()

    rows, columns = bilinear(12, 16), bilinear(20, 16)
    resized = rows @ slices @ columns.T
    hounsfield = HU[0] + resized * (HU[1] - HU[0])
    low, high = torch.tensor(WINDOWS, dtype=torch.float32).T.reshape(2, 3, 1, 1)
    windowed = (hounsfield - low) / (high - low)
    mean, std = (torch.tensor(it).reshape(3, 1, 1) for it in ALL.normalize.model_dump().values())
    y = ((windowed.clamp(0, 1) - mean) / std).requires_grad_()
    network(y).sum().backward()
    inside = (windowed >= 0) & (windowed <= 1)
    by_channel = y.grad / std * inside * (HU[1] - HU[0]) / (high - low)

    assert x.grad.shape == slices.shape
    expected = rows.T @ by_channel.sum(1, keepdim=True) @ columns
    torch.testing.assert_close(x.grad, expected, rtol=1e-4, atol=1e-6)


def test_copies_in_a_network_equal_one_channel_with_summed_weights(slices, network):
    one = Small(channels=1)
    weight = network.conv1.weight.sum(1, keepdim=True)
    one.load_state_dict(network.state_dict() | {"conv1.weight": weight})
    gradients = []
    for it in (one.eval(), prepared(network, InputOptions(channels=3), HU)):
        x = slices.clone().requires_grad_()
        answer = it(x)
        answer.sum().backward()
        gradients.append((answer.detach(), x.grad))
    torch.testing.assert_close(*gradients)


def test_layers_keep_the_names_of_the_user(network):
    for around in (Prepared, lambda network, _: network):
        whole = around(network, prepared(Same(), ALL, HU).adapter)
        for classifier in (Classifier(whole), Classifier(OneLogit(whole))):
            assert classifier.layer("conv1") is network.conv1
            coarse = Classifier(in_precision(classifier.network, "bfloat16"), inside="")
            assert coarse.network.get_submodule(classifier.inside + "conv1") is network.conv1


def test_it_is_folded_for_forward_passes(slices, network):
    network.bn1.running_mean.normal_(generator=torch.Generator().manual_seed(0))
    whole = prepared(network, ALL, HU)
    fast = fold_batch_norm(whole)
    assert not any(isinstance(it, nn.BatchNorm2d) for it in fast.modules())
    torch.testing.assert_close(fast(slices), whole(slices), rtol=1e-4, atol=1e-5)
    assert Classifier(fast, inside=Classifier(whole).inside).layer("conv1").out_channels == 4


@pytest.mark.parametrize("options", [ALL, InputOptions(channels=3, image_size=(24, 8))])
def test_it_is_part_of_the_graph(network, options):
    whole = prepared(network, options, HU)
    assert largest_difference(whole, graph_of(whole, 16), 16) < 1e-5


def test_weights_hold_nothing_of_it(network):
    names = prepared(network, ALL, HU).state_dict()
    assert [name.removeprefix("network.") for name in names] == list(network.state_dict())


def test_a_window_beyond_that_of_the_slices():
    options = InputOptions(windows=[(-1350, 150)])
    message = r"windows: \[-1350, 150\] reaches beyond .* set cohort.hu_window to \[-1350, 400\]$"
    with pytest.raises(InputError, match=message):
        prepared(Same(), options, HU)
