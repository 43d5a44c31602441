import importlib.util
import inspect
import sys
from typing import get_args

import monai.networks.nets as nets
import pytest
import torch

from ct_importance.classifier.networks.by_name import (
    OfMonai,
    build,
    check_arguments,
    check_installed,
    family_of,
)
from ct_importance.errors import InputError

OF_MONAI = get_args(OfMonai)
SMALL = {
    "monai.DenseNet121": {"init_features": 4, "growth_rate": 2, "block_config": [1, 1]},
    "monai.EfficientNetBN": {"model_name": "efficientnet-b0"},
    "monai.SEResNet50": {"layers": [1, 1, 1, 1]},
    "monai.resnet18": {"widen_factor": 0.25},
    "monai.ViT": {
        **{"img_size": 32, "patch_size": 8, "hidden_size": 24},
        **{"mlp_dim": 24, "num_layers": 1, "num_heads": 2},
    },
}


def parameters_of(name):
    """The arguments of a network of MONAI, also those that it hands to its base class."""
    network = getattr(nets, name.removeprefix("monai."))
    if not inspect.isclass(network):
        network = nets.ResNet
    return {key for cls in network.__mro__[:-1] for key in inspect.signature(cls).parameters}


@pytest.mark.parametrize("name", OF_MONAI)
def test_the_arguments_are_those_of_monai(name):
    family = family_of(name)
    assert {*family.fixed, *family.free} <= parameters_of(name)
    assert {*family.needed} <= {*family.free}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("outputs", [1, 3])
def test_as_many_outputs_for_each_slice_as_are_asked_for(name, outputs):
    if name == "monai.ViT" and importlib.util.find_spec("einops") is None:
        with pytest.raises(InputError, match=r"ViT: .*einops.*; make install-monai brings it"):
            build(name, SMALL[name])
        return
    network = build(name, SMALL[name], outputs=outputs).eval()
    assert network(torch.rand(2, 1, 32, 32)).shape == (2, outputs)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("resnet50", {"act": "relu"}, "'act' is no argument of resnet50; there are: none"),
        ("monai.DenseNet121", {"groth_rate": 3}, "'groth_rate' is no argument of monai.DenseNet"),
        ("monai.DenseNet121", {"in_channels": 3}, "in_channels must be 1, or left out"),
        ("monai.resnet18", {"spatial_dims": 3}, "spatial_dims must be 2, or left out"),
        ("monai.EfficientNetBN", {}, "monai.EfficientNetBN needs model_name"),
        ("monai.ViT", {}, "monai.ViT needs img_size and patch_size"),
    ],
)
def test_arguments_that_cannot_be(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        check_arguments(name, arguments)
    check_arguments("monai.DenseNet121", {"in_channels": 1, "growth_rate": 16})


def test_what_monai_refuses_is_one_line():
    with pytest.raises(InputError, match=r"MONAI refuses its arguments .*b99.*; change") as caught:
        build("monai.EfficientNetBN", {"model_name": "efficientnet-b99"})
    assert "\n" not in str(caught.value)


def test_without_monai_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "monai", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    check_installed("resnet50")
    with pytest.raises(InputError, match=r"SENet154 needs MONAI, .*; make install-monai brings it"):
        check_installed("monai.SENet154")


class TestOtherPackages:
    """torchvision and timm, of which small ones of the same spelling stand here."""

    @pytest.fixture(autouse=True)
    def packages(self, tmp_path, monkeypatch):
        network = (
            "import torch\n"
            "def network(channels, outputs, width=2):\n"
            "    return torch.nn.Sequential(torch.nn.Conv2d(channels, width, 3),\n"
            "        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(),\n"
            "        torch.nn.Linear(width, outputs))\n"
        )
        torchvision = (
            "def get_model(name, weights, num_classes, **arguments):\n"
            "    assert (name, weights) == ('resnet18', None)\n"
            "    return network(3, num_classes, **arguments)\n"
        )
        timm = (
            "def create_model(name, pretrained, checkpoint_path, in_chans, num_classes, **its):\n"
            "    assert (name, pretrained, checkpoint_path) == ('convnext.tiny', False, '')\n"
            "    return network(in_chans, num_classes, **its)\n"
        )
        (tmp_path / "torchvision").mkdir()
        (tmp_path / "torchvision/__init__.py").write_text("")
        (tmp_path / "torchvision/models.py").write_text(network + torchvision)
        (tmp_path / "timm.py").write_text(network + timm)
        monkeypatch.syspath_prepend(tmp_path)
        for name in ("torchvision", "torchvision.models", "timm"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        yield
        for name in ("torchvision", "torchvision.models", "timm"):
            sys.modules.pop(name, None)

    @pytest.mark.parametrize(
        ("name", "channels"), [("torchvision.resnet18", 3), ("timm.convnext.tiny", 1)]
    )
    def test_they_are_built_with_channels_outputs_and_arguments(self, name, channels):
        check_installed(name)
        check_arguments(name, {"width": 5}, channels, 2)
        network = build(name, {"width": 5}, channels, 2)
        assert network(torch.rand(2, channels, 8, 8)).shape == (2, 2)
        assert network[0].out_channels == 5

    def test_what_a_package_refuses_is_one_line(self):
        with pytest.raises(
            InputError, match=r"timm refuses its arguments \(TypeError.*depth.*change"
        ):
            build("timm.convnext.tiny", {"depth": 3})

    @pytest.mark.parametrize(
        ("name", "arguments", "message"),
        [
            ("torchvision.resnet18", {}, "takes three channels: set channels: 3"),
            ("timm.convnext.tiny", {"pretrained": True}, "pretrained must be False, or left out"),
            ("timm.convnext.tiny", {"checkpoint_path": "a.pth"}, "checkpoint_path must be"),
        ],
    )
    def test_arguments_that_cannot_be(self, name, arguments, message):
        with pytest.raises(ValueError, match=message):
            check_arguments(name, arguments)


@pytest.mark.parametrize("name", ["torchvision.resnet18", "timm.resnet18"])
def test_a_package_that_is_not_installed(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"which is not installed; install .*torch"):
        check_installed(name)
