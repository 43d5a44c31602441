import pytest
import torch
from torch import nn

from ct_importance.classifier.resnet import ResNet50


@pytest.fixture(scope="module")
def monai_network(network):
    nets = pytest.importorskip("monai.networks.nets")
    reference = nets.resnet50(
        spatial_dims=2,
        n_input_channels=1,
        num_classes=1,
        conv1_t_stride=2,
        bias_downsample=False,
    )
    reference.load_state_dict(network.state_dict())
    return reference.eval()


def test_parameters_are_monais(network, monai_network):
    assert list(network.state_dict()) == list(monai_network.state_dict())
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_503_809


@pytest.mark.parametrize("size", [(64, 64), (65, 96)])
def test_outputs_and_gradients_are_monais(network, monai_network, size):
    x = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(1))
    outputs, gradients = [], []
    for model in (network, monai_network):
        leaf = x.clone().requires_grad_()
        output = model(leaf)
        outputs.append(output.detach())
        gradients.append(torch.autograd.grad(output.sum(), leaf)[0])
    assert outputs[0].shape == (2, 1)
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-6, atol=1e-6)
    scale = gradients[1].abs().max()
    torch.testing.assert_close(gradients[0] / scale, gradients[1] / scale, rtol=0, atol=1e-6)


def test_outputs_are_monais_while_training(network, monai_network):
    """In training mode BatchNorm uses the batch, and its statistics move."""
    ours = ResNet50()
    ours.load_state_dict(network.state_dict())
    before = {name: tensor.clone() for name, tensor in monai_network.state_dict().items()}
    x = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    try:
        torch.testing.assert_close(ours.train()(x), monai_network.train()(x))
        for name, tensor in monai_network.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], tensor, msg=name)
    finally:
        monai_network.load_state_dict(before)
        monai_network.eval()


def test_each_activation_is_a_module_of_its_own(network):
    """Hooks of Deconvolution see every activation once, and no tensor is overwritten."""
    calls = []
    activations = [module for module in network.modules() if isinstance(module, nn.ReLU)]
    hooks = [module.register_forward_hook(lambda m, *_: calls.append(m)) for module in activations]
    network(torch.rand(1, 1, 32, 32))
    for hook in hooks:
        hook.remove()
    assert len(activations) == 1 + 3 * 16
    assert len(calls) == len(set(calls)) == len(activations)
    assert not any(module.inplace for module in activations)


def test_initial_weights_depend_on_the_seed():
    def first_layer(seed):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return ResNet50().conv1.weight

    assert torch.equal(first_layer(1), first_layer(1))
    assert not torch.equal(first_layer(1), first_layer(2))
