from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from ct_importance.classifier.classifier import Classifier
from ct_importance.saliency.estimator import Batch, Estimator
from tests.saliency.networks import batch_of, quick

SIZE = 32


@pytest.fixture(autouse=True, scope="module")
def threads(one_thread):
    """All tests of the folder take one."""


@pytest.fixture
def images() -> torch.Tensor:
    """Five images (5, 1, 32, 32) in [0, 1], each with a range of its own."""
    random = np.random.default_rng(7).random((5, 1, SIZE, SIZE), dtype=np.float32)
    ranges = np.linspace(0.3, 1, 5, dtype=np.float32).reshape(5, 1, 1, 1)
    return torch.from_numpy(random * ranges)


@pytest.fixture
def training_images() -> np.ndarray:
    return np.random.default_rng(8).random((9, SIZE, SIZE), dtype=np.float32)


def training_masks() -> np.ndarray:
    return np.random.default_rng(9).random((4, SIZE, SIZE)) < 0.3


@dataclass(frozen=True)
class Case:
    """An estimator, and all that its batch holds beside the images and the network."""

    estimator: Estimator
    name: str
    slice_ids: list[str]
    images_per_pass: int
    training_images: Callable[[], np.ndarray] | None
    training_masks: Callable[[], np.ndarray] = training_masks
    target: int = 1
    activation: str = "logit"

    def batch(self, network, images) -> Batch:
        return batch_of(
            self.estimator,
            Classifier(network),
            images,
            torch.full((len(images),), self.target),
            self.activation,
            name=self.name,
            seed=1,
            slice_ids=self.slice_ids,
            images_per_pass=self.images_per_pass,
            training_images=self.training_images,
            training_masks=self.training_masks,
        )


@pytest.fixture
def make_case(training_images):
    """A function that makes the case of an estimator: (method, slice ids, options...)."""

    def make(method: str, slice_ids=None, images_per_pass: int = 8, name=None, **options):
        return Case(
            estimator=quick(method, **options),
            name=name or method,
            slice_ids=slice_ids or [f"slice {i}" for i in range(5)],
            images_per_pass=images_per_pass,
            training_images=lambda: training_images,
        )

    return make
