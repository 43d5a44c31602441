import numpy as np
import pytest
import torch

from ct_importance.saliency.estimator import Context
from ct_importance.saliency.registry import load_estimator

SIZE = 32


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Small networks gain nothing from threads, and wait long for them on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def images() -> torch.Tensor:
    """Five images (5, 1, 32, 32) in [0, 1], each with a range of its own."""
    random = np.random.default_rng(7).random((5, 1, SIZE, SIZE), dtype=np.float32)
    ranges = np.linspace(0.3, 1, 5, dtype=np.float32).reshape(5, 1, 1, 1)
    return torch.from_numpy(random * ranges)


@pytest.fixture
def training_images() -> np.ndarray:
    return np.random.default_rng(8).random((9, SIZE, SIZE), dtype=np.float32)


@pytest.fixture
def make_context(training_images):
    """A function that makes the context of an estimator: (method, slice ids, options...)."""

    def make(method: str, slice_ids=None, images_per_pass: int = 8, name=None, **options):
        return Context(
            options=load_estimator(method).Options(**options),
            seed=1,
            name=name or method,
            slice_ids=slice_ids or [f"slice {i}" for i in range(5)],
            device=torch.device("cpu"),
            images_per_pass=images_per_pass,
            training_images=training_images,
        )

    return make
