"""The order of the tests."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with those that run the workflow: short ones fill the cores at the end."""
    items.sort(key=lambda item: "tests/workflow/" not in item.nodeid)
