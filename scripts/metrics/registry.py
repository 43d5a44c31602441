"""Metrics found by name: one module each in this folder, see `scripts.metrics.contract`."""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from scripts.errors import InputError

PACKAGE = "scripts.metrics"
REQUIRED = (
    "Options",
    "NEEDS",
    "POINT_COLUMNS",
    "POSITION_COLUMNS",
    "MEAN_COLUMNS",
    "BALANCED",
    "TABLE",
    "VALUE_LABEL",
    "DECIMALS",
    "evaluate",
    "summarise",
    "figure_curves",
    "describe",
)


@functools.cache
def available_metrics() -> list[str]:
    """Return the names of the metrics there are, sorted.

    This folder also holds helpers. A module that defines any part of the contract is meant to be
    a metric, so that one that lacks the rest is answered with what it lacks.
    """
    folder = Path(__file__).parent
    return sorted(
        file.stem for file in folder.glob("*.py") if not _defined(file).isdisjoint(REQUIRED)
    )


def _defined(file: Path) -> set[str]:
    """Return the names that a module defines at its top level, not those it imports."""
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(target.id for target in targets if isinstance(target, ast.Name))
    return names


def load_metric(name: str) -> ModuleType:
    """Return the module of a metric; see `scripts.metrics.contract` for what it defines.

    Args:
        name: Name of its file, without suffix.

    Raises:
        InputError: If there is no such metric, or its module lacks part of the contract.
    """
    if name not in available_metrics():
        raise InputError(
            f"metrics: no metric {name!r}; there are {', '.join(available_metrics())}. "
            f"To add one, write scripts/metrics/{name}.py"
        )
    module = importlib.import_module(f"{PACKAGE}.{name}")
    lacking = [required for required in REQUIRED if not hasattr(module, required)]
    if lacking:
        raise InputError(
            f"scripts/metrics/{name}.py: does not define {', '.join(lacking)}; "
            "scripts/metrics/contract.py says what a metric must define"
        )
    return module


def tables_of(metrics: Iterable[str]) -> dict[str, str]:
    """Return the metric of each table of the report, by the table's name.

    Raises:
        InputError: If two metrics name the same table: one would overwrite the other's.
    """
    tables: dict[str, str] = {}
    for metric in metrics:
        table = load_metric(metric).TABLE
        if table in tables:
            raise InputError(
                f"scripts/metrics/{metric}.py: TABLE is {table!r}, which is the table of "
                f"scripts/metrics/{tables[table]}.py; give each metric a table of its own"
            )
        tables[table] = metric
    return tables
