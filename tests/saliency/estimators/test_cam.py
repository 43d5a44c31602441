"""Estimators of the family of CAM against their definitions and other packages."""

import copy
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from captum.attr import GuidedGradCam, LayerAttribution, LayerGradCam
from monai.visualize import GradCAM, GradCAMpp
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.networks.input import prepared
from ct_importance.classifier.options import InputOptions
from ct_importance.errors import InputError
from ct_importance.plugins import load
from tests.saliency.networks import (
    TARGETS,
    batch_of,
    compute,
    conv_network,
    network_by_name,
    small_vit,
)

CAMS = ["grad_cam", "grad_cam_plus_plus", "hires_cam", "layer_cam", "xgrad_cam"]
CAMS += ["eigen_cam", "score_cam"]


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(2))


NETWORKS = {
    "resnet50": (lambda: network_by_name("resnet50"), "layer4"),
    "densenet": (
        lambda: network_by_name("monai.DenseNet121", block_config=[2, 2, 2, 2]),
        "class_layers.relu",
    ),
    "seresnet": (lambda: network_by_name("monai.SEResNet50", layers=[1, 1, 1, 1]), "layer4"),
    "vit": (small_vit, "blocks.1.norm1"),
}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    """A network and the layer that is found in it."""
    make, layer = NETWORKS[request.param]
    return make(), layer


@pytest.fixture(scope="module")
def exact(case, images):
    """Values and gradients at the layer in float64."""
    return exact_features(*case, images, TARGETS)


def assert_maps_agree(found, expected, tolerance=1e-5):
    scale = expected.abs().max() or 1  # where all speaks against the class, ReLU leaves nothing
    torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=tolerance)


def exact_features(network, layer, images, targets):
    """Values and gradients at a layer, (n, C, h, w), in float64, through hooks of our own."""
    network, images = network.double(), images.double().requires_grad_()
    kept = {}

    def keep(module, inputs, output):
        # What follows may be in place, so that another tensor is handed on.
        kept["values"], output = output, output.clone()
        kept["values"].retain_grad()
        return output

    hook = network.get_submodule(layer).register_forward_hook(keep)
    logits = network(images)[:, 0]
    hook.remove()
    (logits * (2 * targets - 1)).sum().backward()
    values, gradients = kept["values"].detach(), kept["values"].grad
    network.float()
    if values.dim() == 3:  # a class token and 4 x 4 places
        values, gradients = (it[:, 1:].mT.unflatten(2, (4, 4)) for it in (values, gradients))
    return values, gradients


def written_out(method, a, g):
    """The map of a definition, (h, w), of values and gradients (C, h, w)."""
    total_a = a.sum((1, 2), keepdim=True)
    if method == "grad_cam":
        weights = g.mean((1, 2), keepdim=True)
    elif method == "grad_cam_plus_plus":
        divisor = 2 * g**2 + total_a * g**3
        alpha = torch.where(divisor == 0, 0, g**2 / divisor)
        weights = (alpha * g.clamp(min=0)).sum((1, 2), keepdim=True)
    elif method == "hires_cam":
        weights = g
    elif method == "layer_cam":
        weights = g.clamp(min=0)
    elif method == "xgrad_cam":
        weights = (torch.where(total_a == 0, 0, a / total_a) * g).sum((1, 2), keepdim=True)
    return (weights * a).sum(0)


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("method", CAMS[:5])
def test_maps_are_those_of_the_definition(case, exact, images, method, relu):
    network, _ = case
    expected = []
    for a, g in zip(*exact, strict=True):
        coarse = written_out(method, a, g)
        expected.append(coarse.clamp(min=0) if relu else coarse)
    up = F.interpolate(torch.stack(expected)[:, None], 64, mode="bilinear", align_corners=False)
    # In float32 and float64, some ReLU of the ways back switch at different places.
    assert_maps_agree(compute(method, network, images, relu=relu), up.float(), 2e-4)


def test_eigen_cam_is_the_first_component(case, exact, images):
    network, _ = case
    expected = []
    for a in exact[0]:
        places = a.flatten(1).T.numpy()
        squares, vectors = np.linalg.eigh(places @ places.T)
        projected = places @ (places.T @ vectors[:, -1] / squares[-1] ** 0.5)
        expected.append((projected * np.sign(projected.sum())).reshape(a.shape[1:]))
    stacked = torch.from_numpy(np.stack(expected))[:, None]
    up = F.interpolate(stacked, 64, mode="bilinear", align_corners=False)
    assert_maps_agree(compute("eigen_cam", network, images), up.float())


@pytest.mark.parametrize("channels", [5, 1000])
@pytest.mark.parametrize("which", ["conv", "densenet", "vit"])
def test_score_cam_asks_about_what_each_map_lets_through(images, channels, which):
    small = {"block_config": [1, 1, 1, 1], "growth_rate": 4}
    network, layer = {
        "conv": lambda: (conv_network(), "5"),
        "densenet": lambda: (network_by_name("monai.DenseNet121", **small), "class_layers.relu"),
        "vit": lambda: (small_vit(), "blocks.1.norm1"),
    }[which]()
    values, _ = exact_features(network, layer, images, TARGETS)
    expected = []
    network.double()
    for x, target, a in zip(images.double(), TARGETS, values, strict=True):
        a = a[sorted(range(len(a)), key=lambda k: -a[k].var())[:channels]]
        masks = F.interpolate(a[:, None], 64, mode="bilinear", align_corners=False)
        for mask in masks:
            spread = mask.max() - mask.min()
            mask.copy_((mask - mask.min()) / spread if spread else 0 * mask)
        logits = network(x * masks)[:, 0] * (2 * target - 1)
        weights = logits.exp() / logits.exp().sum()
        expected.append((weights[:, None, None] * a).sum(0).clamp(min=0))
    up = F.interpolate(torch.stack(expected)[:, None], 64, mode="bilinear")
    found = compute("score_cam", network.float(), images, channels=channels)
    assert_maps_agree(found, up.float())


class Pair(nn.Module):
    """A network with a logit as two outputs, as other packages want them: (-z, z)."""

    def __init__(self, network, times=1):
        super().__init__()
        self.network, self.times = network, times

    def forward(self, x):
        z = self.times * self.network(x)
        return torch.cat([-z, z], dim=1)


def test_grad_cam_is_captums_and_monais(case, images):
    network, layer = copy.deepcopy(case)  # MONAI leaves hooks
    if layer.startswith("blocks"):
        pytest.skip("neither knows tokens")
    found = compute("grad_cam", network, images)
    pair = Pair(network).requires_grad_()  # or MONAI's hooks see nothing

    captums = LayerGradCam(pair, pair.network.get_submodule(layer)).attribute(
        images, target=TARGETS, relu_attributions=True
    )
    up = LayerAttribution.interpolate(captums, (64, 64), "bilinear")
    assert_maps_agree(found, up.detach())

    monais = GradCAM(pair, f"network.{layer}", postprocessing=lambda maps: maps)
    for image, target, importance in zip(images, TARGETS, found, strict=True):
        expected = monais(image[None], class_idx=int(target))[0]
        assert_maps_agree(importance, torch.as_tensor(expected))
    network.requires_grad_(False)


def test_grad_cam_plus_plus_is_monais(case, images):
    """Behind global pooling gradients are constant, where MONAI's sum is that of the paper."""
    network, layer = copy.deepcopy(case)  # MONAI leaves hooks
    if layer.startswith("blocks"):
        pytest.skip("MONAI does not know tokens")
    # MONAI adds 1e-7 to a divisor of about g^2: gradients are made as large as exp(S) allows.
    times = 300 / network(images).abs().max().item()
    pair = Pair(network, times).double().requires_grad_()
    monais = GradCAMpp(pair, f"network.{layer}", postprocessing=lambda maps: maps)
    logit = nn.Sequential(Pair(network, times), nn.Linear(2, 1, bias=False).double())
    logit[1].weight.data.copy_(torch.tensor([[0.0, 1.0]]))
    found = compute(
        *("grad_cam_plus_plus", logit.requires_grad_(False), images.double()),
        layer=f"0.network.{layer}",
    )
    pair.requires_grad_()
    for image, target, importance in zip(images.double(), TARGETS, found, strict=True):
        expected = torch.as_tensor(monais(image[None], class_idx=int(target))[0])
        # MONAI's has the factor exp(S).
        assert_maps_agree(*(it / (it.max() or 1) for it in (importance, expected)), 1e-3)
    network.float().requires_grad_(False)


class TestSign:
    def test_relu_hides_what_speaks_against_the_explained_class(self, images):
        network = conv_network()
        for method in ("grad_cam", "hires_cam", "xgrad_cam"):
            one = compute(method, network, images, torch.ones(3, dtype=int), relu=False)
            zero = compute(method, network, images, torch.zeros(3, dtype=int), relu=False)
            assert torch.equal(zero, -one)
        relu = compute("grad_cam", network, images, torch.ones(3, dtype=int))
        assert (relu >= 0).all()

    def test_the_predicted_class_is_explained_by_default(self):
        assert {load("estimator", name)().target for name in CAMS} == {"predicted"}

    def test_hires_cam_before_a_linear_layer_sums_up_to_the_score(self, images):
        network = network_by_name("resnet50")
        from ct_importance.saliency.layers.features import Look

        estimator = load("estimator", "hires_cam")()
        batch = batch_of(
            *(estimator, Classifier(network), images, TARGETS),
            **{"name": "hires_cam", "seed": 0, "images_per_pass": 2, "slice_ids": ["a", "b", "c"]},
        )
        maps = estimator.maps(Look(batch, None), batch, images, TARGETS)
        expected = (network(images)[:, 0] - network.fc.bias) * (2 * TARGETS - 1)
        torch.testing.assert_close(maps.sum((1, 2)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", CAMS)
class TestAnyNetwork:
    def test_several_classes(self, images, method):
        """Each class has a map of its own, but for Eigen-CAM."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = nn.Sequential(
                nn.Conv2d(1, 6, 5, stride=4),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(6, 4),
            ).eval()
        maps = [
            compute(method, network, images, torch.full((3,), k), head="softmax", relu=False)
            for k in range(4)
        ]
        assert torch.allclose(maps[0], maps[3]) == (method == "eigen_cam")

    def test_a_network_that_sees_slices_resized_and_in_three_channels(self, images, method):
        """Maps are in the grid of the slice, whatever the network was shown."""
        options = InputOptions(image_size=(32, 32), channels=3)
        network = network_by_name("monai.resnet18", n_input_channels=3)
        adapted = prepared(network, options, (-200, 400))
        few = {"channels": 20} if method == "score_cam" else {}
        maps = compute(method, adapted, images, layer="layer3", **few)
        assert maps.shape == images.shape
        assert maps.std() > 0

    def test_smooth_and_blur_and_an_unknown_layer(self, images, method):
        network = conv_network()
        smooth = compute(method, network, images, smooth={"samples": 2, "noise": 0.5})
        assert not torch.allclose(smooth, compute(method, network, images))
        estimator = load("estimator", method)(layer="6.conv")
        with pytest.raises(InputError, match=f"{re.escape(estimator.title)}: .* no layer"):
            estimator.check(Classifier(network))


@pytest.mark.parametrize("name", ["conv", "resnet50"])
def test_guided_grad_cam_is_captums(images, name):
    network, layer = (
        (conv_network(), "5") if name == "conv" else (network_by_name("resnet50"), "layer4")
    )
    pair = Pair(network)
    with pytest.warns(UserWarning, match="Setting"):
        expected = GuidedGradCam(pair, network.get_submodule(layer)).attribute(
            images.clone().requires_grad_(), target=TARGETS, interpolate_mode="bilinear"
        )
    found = compute("guided_grad_cam", network, images)
    assert found.any()
    assert_maps_agree(found, expected.detach())


def test_a_pass_back_ends_at_the_layer(images):
    """What lies before is passed forwards only, and without a graph."""
    network = conv_network()
    network[0].register_full_backward_hook(lambda *_: pytest.fail("it was passed back"))
    compute("grad_cam", network, images, layer="5")
    assert not any(module._forward_hooks for module in network.modules())
