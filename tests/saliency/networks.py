"""Small classifiers whose importance maps are known or quick to compute."""

import numpy as np
import torch
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.forward.torch_runtime import TorchForward
from ct_importance.compute.randomness import generator_for
from ct_importance.plugins import load, names
from ct_importance.saliency.asking import AskedScores
from ct_importance.saliency.differentiating import ExplainedScores
from ct_importance.saliency.estimator import Batch, Estimator
from ct_importance.saliency.explain import importance_of

QUICK = {
    "captum": {"attribution": "IntegratedGradients", "arguments": {"n_steps": 4}},
    "score_cam": {"channels": 8},
    "blur_ig": {"sigma": 4, "steps": 4},
    "guided_ig": {"steps": 4},
    "precomputed": {"folder": "maps"},
    "occlusion": {"window": 0.25, "stride": 0.25},
    "kernel_shap": {"parts": 6, "samples": 20},
    "lime": {"samples": 20},
    "rise": {"masks": 10},
    "xrai": {"base": {"method": "integrated_gradients_bw", "steps": 2}},
}
"""Options with which estimators that take many passes take few."""


ANY_NETWORK = [
    name for name in names("estimator") if name not in ("attention_rollout", "gradient_attention")
]
"""Estimators that can explain a small network of convolutions; the others have tests of their own
with a transformer."""


def quick(method: str, **options) -> Estimator:
    """Return an estimator that takes few passes unless the options say otherwise."""
    found: Estimator = load("estimator", method)(**QUICK.get(method, {}) | options)
    return found


def overlapping_blocks(height: int, width: int, size: int = 8) -> np.ndarray:
    """Return segments (K, height, width) bool as XRAI has them: of two scales, dilated a little."""
    segments = []
    for side in (size, 2 * size):
        for top in range(0, height, side):
            for left in range(0, width, side):
                segment = np.zeros((height, width), bool)
                segment[max(0, top - 1) : top + side + 1, max(0, left - 1) : left + side + 1] = True
                segments.append(segment)
    return np.stack(segments)


def conv_network(seed: int = 0) -> nn.Module:
    """A network with the kinds of layers a ResNet has, (N, 1, H, W) to (N, 1), in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, 1),
        )
    return network.eval().requires_grad_(False)


def small_vit(seed: int = 0) -> nn.Module:
    """MONAI's ViT for 64 x 64 images with two blocks, (N, 1, 64, 64) to (N, 1), in eval mode."""
    from ct_importance.classifier.networks.by_name import build

    sizes = {"hidden_size": 24, "mlp_dim": 32, "num_layers": 2, "num_heads": 3}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build("monai.ViT", {"img_size": [64, 64], "patch_size": [16, 16], **sizes})
        for name, parameter in network.named_parameters():
            if "qkv" in name:
                nn.init.normal_(parameter, std=0.5)  # or its attention is the same everywhere
    return network.eval().requires_grad_(False)


def network_by_name(name: str, **arguments) -> nn.Module:
    """A network by name, whose normalisation is not that of an untrained one."""
    from ct_importance.classifier.networks.by_name import build

    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = build(name, arguments)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return network.eval().requires_grad_(False)


class LinearNetwork(nn.Module):
    """f(x) = sum of weight * x + bias: its gradient is the weight everywhere."""

    def __init__(self, size: int, bias: float = 0.0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(3)
        self.register_buffer("weight", torch.randn(size, size, generator=generator))
        self.bias = bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x * self.weight).sum(dim=(1, 2, 3)).unsqueeze(1) + self.bias


def batch_of(estimator, classifier, images, targets, activation="logit", **others) -> Batch:
    """Return a batch as a job of the estimator makes it: of tensors, or if it only asks of arrays.

    Args:
        estimator: The estimator.
        classifier: A `Classifier`.
        images: (N, 1, H, W) tensor.
        targets: (N,) tensor.
        activation: What is explained.
        **others: What else a `Batch` holds.
    """
    if "segments" in estimator.wants:
        others.setdefault("segments", [overlapping_blocks(*images.shape[2:])] * len(images))
    if "given_maps" in estimator.wants:
        shape = tuple(images.shape[2:])
        others.setdefault("given_map", lambda name: generator_for(name).random(shape, np.float32))
    if estimator.only_asks:
        asked = AskedScores(TorchForward(classifier.network.eval()), activation, classifier.head)
        return Batch(images=images.numpy(), targets=targets.numpy(), scores=asked, **others)
    scores = ExplainedScores(classifier, activation)
    return Batch(
        images=images,
        targets=targets,
        scores=scores,
        classifier=classifier,
        built=scores,
        **others,
    )


TARGETS = torch.tensor([1, 0, 1])


def compute(method, network, images, targets=TARGETS, head="logit", images_per_pass=2, **options):
    """Return the maps of an estimator, (N, 1, H, W), of images called by their numbers."""
    estimator = load("estimator", method)(**options)
    batch = batch_of(
        *(estimator, Classifier(network, head), images, targets),
        **{"name": method, "seed": 0, "images_per_pass": images_per_pass},
        slice_ids=[str(number) for number in range(len(images))],
    )
    maps = importance_of(estimator, batch)
    assert maps.shape == images.shape
    return maps
