"""Networks of several kinds, and the maps of estimators that only ask."""

import numpy as np
import pytest
import torch
from monai.networks.nets import DenseNet121, ViT
from torch import nn

from ct_importance.classifier.classifier import Classifier
from ct_importance.classifier.resnet import ResNet50
from ct_importance.saliency.explain import importance_of
from tests.metrics.images import smooth_image
from tests.saliency.networks import batch_of, quick

SIDE = 64
SLICE_IDS = ["one", "two"]


class FirstOutput(nn.Module):
    """The first output of a network that gives back more than that."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)[0]


@pytest.fixture(scope="package", params=["resnet50", "DenseNet121", "ViT"])
def network(request):
    """The paper's, and two of MONAI: a function from (N, 1, 64, 64) to (N, 1)."""
    makes = {
        "resnet50": ResNet50,
        "DenseNet121": lambda: DenseNet121(2, 1, 1),
        "ViT": lambda: FirstOutput(
            ViT(1, SIDE, 16, 48, 96, 2, 3, classification=True, num_classes=1, spatial_dims=2)
        ),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return makes[request.param]().eval().requires_grad_(False)


@pytest.fixture(scope="package")
def slices():
    """Two slices (2, 1, 64, 64) in [0, 1]."""
    return torch.from_numpy(
        np.stack([smooth_image((SIDE, SIDE), seed) for seed in (0, 1)])[:, None]
    )


@pytest.fixture
def maps_of(slices):
    """A function from a method, a network and options to the maps (2, 64, 64) of class 1."""

    def maps(method, network, given=None, images=slices, **options):
        estimator = quick(method, **options)
        others = {"segments": [given] * 2} if given is not None else {}
        batch = batch_of(
            estimator,
            Classifier(network),
            images,
            torch.ones(2, dtype=torch.int64),
            name=method,
            seed=0,
            slice_ids=SLICE_IDS,
            images_per_pass=8,
            **others,
        )
        return importance_of(estimator, batch)[:, 0]

    return maps


@pytest.fixture
def agree():
    """A function that compares maps, relative to the largest value of the expected ones."""

    def compare(found, expected, tolerance=1e-4):
        expected = np.asarray(expected, np.float64)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * abs(expected).max())

    return compare
