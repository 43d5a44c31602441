"""Layers are found by name, and the last one with maps by itself."""

import pytest
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier, OneLogit
from ct_importance.classifier.networks.by_name import build
from ct_importance.classifier.networks.input import prepared
from ct_importance.classifier.options import InputOptions
from ct_importance.errors import InputError
from ct_importance.saliency.layers.names import check_layer, default_layer
from tests.saliency.networks import LinearNetwork, conv_network, small_vit


def default(classifier, size=64):
    return default_layer(classifier, (1, size, size))


@pytest.mark.parametrize(
    ("name", "arguments", "layer"),
    [
        ("resnet50", {}, "layer4"),
        ("monai.resnet18", {}, "layer4"),
        ("monai.DenseNet121", {"block_config": [1, 1, 1, 1]}, "class_layers.relu"),
        ("monai.EfficientNetBN", {"model_name": "efficientnet-b0"}, "_swish"),
        ("monai.SEResNet50", {"layers": [1, 1, 1, 1]}, "layer4"),
    ],
)
def test_the_last_maps_before_pooling(name, arguments, layer):
    assert default(Classifier(build(name, arguments).eval().requires_grad_(False))) == layer


def test_of_a_transformer_what_its_last_attention_is_given():
    """Behind it, the answer depends on the class token alone."""
    assert default(Classifier(small_vit())) == "blocks.1.norm1"


def test_neither_pooling_nor_what_is_around_a_network_counts():
    assert default(Classifier(conv_network())) == "5"
    # Its input is resized: were the adapter looked at, its maps would be found.
    two = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    around = prepared(OneLogit(two).eval(), InputOptions(image_size=(20, 20)), (-200, 400))
    assert default(Classifier(around)) == "0"
    flat = nn.Sequential(nn.Flatten(), nn.Linear(400, 1))
    adapted = prepared(flat.eval(), InputOptions(image_size=(20, 20)), (-200, 400))
    with pytest.raises(InputError, match="no layer of this classifier answers with maps of places"):
        default(Classifier(adapted))


def test_a_network_without_modules_has_no_layer():
    classifier = Classifier(LinearNetwork(32))
    with pytest.raises(InputError, match="no layer of this classifier answers with maps"):
        default(classifier, 32)
    with pytest.raises(InputError, match="Grad-CAM: layers of this classifier have no names"):
        check_layer(classifier, "layer4", "Grad-CAM")


def test_an_unknown_name_gets_those_that_are_like_it():
    classifier = Classifier(build("resnet50", {}))
    check_layer(classifier, "layer4.2.relu3", "Grad-CAM")
    with pytest.raises(InputError, match=r"no layer 'layer5'; .* layer4, layer3, "):
        check_layer(classifier, "layer5", "Grad-CAM")
    with pytest.raises(InputError, match=r"no layer 'xyz'.* layer4, avgpool, fc for instance"):
        check_layer(classifier, "xyz", "Grad-CAM")
    # As the file of its weights spells it, not as what is put around it would.
    wrapped = Classifier(OneLogit(build("resnet50", {}, outputs=2)))
    check_layer(wrapped, "layer4", "Grad-CAM")
    with pytest.raises(InputError, match=r"no layer 'network\.layer4'"):
        check_layer(wrapped, "network.layer4", "Grad-CAM")


def test_no_hook_stays():
    network = conv_network()
    default(Classifier(network))
    assert not any(module._forward_hooks for module in network.modules())
    assert torch.is_grad_enabled()
