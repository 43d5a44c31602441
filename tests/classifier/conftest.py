import numpy as np
import pytest
import torch

from ct_importance.classifier.resnet import ResNet50


@pytest.fixture(autouse=True, scope="module")
def threads(one_thread):
    """All tests of the folder take one."""


@pytest.fixture(scope="session")
def network() -> ResNet50:
    """A ResNet-50 whose BatchNorm statistics are not the initial ones, in eval mode."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ResNet50()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                torch.nn.init.uniform_(module.weight, 0.5, 1)
    return network.eval()


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return np.random.default_rng(0).random((3, 64, 64), dtype=np.float32)
