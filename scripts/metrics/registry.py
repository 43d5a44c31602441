"""Metrics found by name: one module each in this folder, see `scripts.metrics.contract`."""

from __future__ import annotations

import ast
import functools
import importlib
from pathlib import Path
from types import ModuleType

from scripts.errors import InputError


@functools.cache
def available_metrics() -> list[str]:
    """Return the names of the metrics there are, sorted: the modules that define `evaluate`."""
    folder = Path(__file__).parent
    return sorted(file.stem for file in folder.glob("*.py") if _defines_evaluate(file))


def _defines_evaluate(file: Path) -> bool:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {"evaluate", "summarise"} <= functions


def load_metric(name: str) -> ModuleType:
    """Return the module of a metric.

    Raises:
        InputError: If there is no such metric.
    """
    if name not in available_metrics():
        raise InputError(
            f"metrics: no metric {name!r}; there are {', '.join(available_metrics())}. "
            f"To add one, write scripts/metrics/{name}.py"
        )
    return importlib.import_module(f"scripts.metrics.{name}")
