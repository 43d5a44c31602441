import copy
import tempfile

import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.classifier.networks.exported.graph import build
from ct_importance.classifier.networks.exported.program import numbers_of, read_program
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.compute.device import channels_last


class TestFoldedNetwork:
    def test_answers_the_same_without_batch_norm(self, network, images):
        fast = fold_batch_norm(network)
        assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
        assert not any(parameter.requires_grad for parameter in fast.parameters())
        np.testing.assert_allclose(
            TorchForward(fast).scores(images)[:, 1],
            TorchForward(network).scores(images)[:, 1],
            rtol=1e-4,
        )

    def test_leaves_the_network_as_it_was(self, network, images):
        before = TorchForward(network).scores(images)[:, 1]
        fold_batch_norm(network)
        assert np.array_equal(TorchForward(network).scores(images)[:, 1], before)
        assert network.conv1.weight.is_contiguous()

    def test_a_convolution_with_two_users_is_not_folded(self):
        class Shared(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.bn = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
                self.bn.running_var.fill_(4.0)

            def forward(self, x):
                x = self.conv(x)
                return self.bn(x) + x

        shared, x = Shared().eval(), torch.rand(2, 1, 8, 8)
        torch.testing.assert_close(fold_batch_norm(shared)(x), shared(x))

    def test_a_convolution_that_is_called_twice_is_not_folded(self):
        class Twice(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.bn = nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1)
                self.bn.running_var.fill_(4.0)

            def forward(self, x):
                return self.bn(self.conv(self.conv(x)))

        twice, x = Twice().eval(), torch.rand(2, 1, 8, 8)
        torch.testing.assert_close(fold_batch_norm(twice)(x), twice(x))

    def test_a_network_that_cannot_be_traced_answers_as_it_is(self):
        class Asking(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(1, 2, 3)

            def forward(self, x):
                if x.max() > 0.5:  # what torch.fx cannot know
                    x = 2 * x
                return self.conv(x).flatten(1)[:, :1]

        network, x = Asking().eval(), torch.rand(2, 1, 8, 8)
        before = network(x)
        fast = fold_batch_norm(network)
        torch.testing.assert_close(fast(x), before)
        torch.testing.assert_close(fast(x / 4), network(x / 4))
        assert fast is not network
        assert network.conv.weight.requires_grad

    @pytest.mark.parametrize("decomposed", [False, True])
    @pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
    def test_a_program_is_folded_too(self, kind, decomposed):
        norm = nn.BatchNorm2d(3)
        norm.running_mean.normal_(generator=torch.Generator().manual_seed(0))
        norm.running_var.fill_(4.0)
        network = nn.Sequential(kind(1, 3, 3, bias=False), norm).eval().requires_grad_(False)
        images = torch.rand(2, 1, 8, 8)
        program = torch.export.export(network, (images,))
        program = program.run_decompositions() if decomposed else program

        fast = fold_batch_norm(built(program))

        calls = [node for node in fast.graph.nodes if node.op == "call_function"]
        assert len(calls) == (1 if kind is nn.Conv2d else 2)
        torch.testing.assert_close(fast(images), network(images))

    def test_gradients_are_as_exact_as_those_of_the_network(self, network):
        # Noise has no ties: where a slice is flat, max pooling picks a pixel by rounding.
        images = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        exact = gradient(copy.deepcopy(network).double(), images.double())
        errors = {
            name: (gradient(it, images) - exact).abs().flatten() / exact.abs().max()
            for name, it in (
                ("folded", fold_batch_norm(network)),
                ("plain", channels_last(copy.deepcopy(network))),
            )
        }
        assert errors["folded"].median() < 3e-6
        assert errors["folded"].median() < 2 * errors["plain"].median()
        assert errors["folded"].max() < 0.05


def built(program):
    """Return the network of a program as a classifier's source builds it."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/net.pt2"
        torch.export.save(program, file)
        read = read_program(file)
        return build(read.graph, list(numbers_of(file, read.tensors).values()), file)


def gradient(network, images):
    points = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(network(points).sum(), points)
    return found
