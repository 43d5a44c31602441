"""The order of the tests, their threads, and the seed of their networks."""

import sys
from collections.abc import Iterator

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with those that run the workflow: short ones fill the cores at the end."""
    items.sort(key=lambda item: "tests/workflow/" not in item.nodeid)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from threads, and wait long for them on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def same_weights() -> None:
    """Networks of a test are the same in every run, so that one that fails fails again."""
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
