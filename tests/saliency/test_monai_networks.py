"""Every estimator explains the networks of MONAI, or refuses them in one line before a run."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.networks.by_name import parts_of
from ct_importance.classifier.networks.folding import fold_batch_norm
from ct_importance.errors import InputError
from ct_importance.plugins import names
from ct_importance.saliency.explain import maps_of
from tests.saliency.networks import batch_of, network_by_name, quick, small_vit

SIZE = 64
OPTIONS: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"samples": 2}, ("smoothgrad", "smoothgrad_squared", "expected_gradients")),
    ({"steps": 2}, ("integrated_gradients", "integrated_gradients_bw", "blur_ig", "guided_ig")),
    ({"parts": 4, "samples": 4}, ("kernel_shap", "lime")),
    ({"parts": 4}, ("segment_ablation",)),
    ({"window": 0.5, "stride": 0.5}, ("occlusion",)),
    ({"masks": 4}, ("rise",)),
    ({"arguments": {"n_steps": 2}}, ("captum",)),
    # Where all speaks against the class, ReLU leaves nothing.
    ({"relu": False}, ("grad_cam", "grad_cam_plus_plus", "guided_grad_cam", "xgrad_cam")),
    ({"relu": False, "channels": 4}, ("score_cam",)),
]
FEW = {method: options for options, methods in OPTIONS for method in methods}
"""Options with which each takes few passes."""


class Network(NamedTuple):
    make: Callable[[], nn.Module]
    name: str
    arguments: dict[str, Any] = {}


def of_name(name, **arguments):
    return Network(lambda: network_by_name(name, **arguments), name, arguments)


# Shorter than they are known, where that can be: each kind of block is there.
NETWORKS = {
    "resnet50": of_name("resnet50"),
    "densenet": of_name("monai.DenseNet121", block_config=[2, 2, 2, 2]),
    "efficientnet": of_name("monai.EfficientNetBN", model_name="efficientnet-b0"),
    "seresnet": of_name("monai.SEResNet50", layers=[1, 1, 1, 1]),
    "vit": Network(small_vit, "monai.ViT"),
}
OF_ATTENTION = {"attention_rollout", "gradient_attention"}
OF_RELUS = {"deconvolution", "guided_backprop", "guided_grad_cam"}
OF_LAYERS = {"fullgrad", "lrp"}
REFUSED = {
    "resnet50": OF_ATTENTION,
    "densenet": OF_ATTENTION,
    "efficientnet": OF_ATTENTION | OF_RELUS | OF_LAYERS,
    "seresnet": OF_ATTENTION | OF_LAYERS,
    "vit": OF_RELUS | OF_LAYERS | {"deeplift"},
}


@cache
def classifier(network):
    return Classifier(NETWORKS[network].make())


@cache
def folded(network):
    """As a run has it, where an estimator does not look at layers."""
    return Classifier(fold_batch_norm(classifier(network).network))


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(2, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


def explained(method, network, pictures, numbers):
    estimator = quick(method, **FEW.get(method, {}))
    looks_inside = "layers" in estimator.wants or estimator.only_asks
    references = np.random.default_rng(8).random((3, SIZE, SIZE), dtype=np.float32)
    batch = batch_of(
        estimator,
        classifier(network) if looks_inside else folded(network),
        pictures[numbers],
        torch.tensor([1, 0])[numbers],
        name=method,
        seed=1,
        slice_ids=[f"slice {number}" for number in numbers],
        images_per_pass=1,
        training_images=lambda: references,
        training_masks=lambda: references > 0.5,
    )
    return maps_of(estimator, batch)


@pytest.mark.parametrize("network", NETWORKS)
def test_who_refuses_a_network_does_so_in_one_line(network):
    found = NETWORKS[network]
    parts = parts_of(found.name, found.arguments)
    assert parts is not None
    refused = {method: quick(method).unfit(parts) for method in names("estimator")}
    assert {method for method, why in refused.items() if why} == REFUSED[network]
    assert all("\n" not in why and len(why) < 200 for why in refused.values() if why)


@pytest.mark.filterwarnings("ignore:Internal batch size cannot be less")
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("method", names("estimator"))
def test_every_estimator_explains_or_refuses_each(method, network, pictures):
    if method in REFUSED[network]:
        with pytest.raises(InputError, match="^" + method):
            explained(method, network, pictures, [0, 1])
        return
    maps = explained(method, network, pictures, [0, 1])
    assert maps.shape == (2, SIZE, SIZE)
    assert np.isfinite(maps).all()
    assert np.ptp(maps[1]) > 0
    alone = explained(method, network, pictures, [1])
    np.testing.assert_array_equal(alone[0], maps[1])
