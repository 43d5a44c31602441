"""Metrics found by name: one module each in `catalogue`, see `ct_importance.metrics.metric`."""

from __future__ import annotations

import ast
import functools
import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from ct_importance.errors import InputError

PACKAGE = "ct_importance.metrics.catalogue"
FOLDER = "ct_importance/metrics/catalogue"
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
    folder = Path(__file__).with_name("catalogue")
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
    """Return the module of a metric; see `ct_importance.metrics.metric` for what it defines.

    Args:
        name: Name of its file, without suffix.

    Raises:
        InputError: If there is no such metric, or its module lacks part of the contract.
    """
    if name not in available_metrics():
        raise InputError(
            f"metrics: no metric {name!r}; there are {', '.join(available_metrics())}. "
            f"To add one, write {FOLDER}/{name}.py"
        )
    module = importlib.import_module(f"{PACKAGE}.{name}")
    lacking = [required for required in REQUIRED if not hasattr(module, required)]
    if lacking:
        raise InputError(
            f"{FOLDER}/{name}.py: does not define {', '.join(lacking)}; "
            "ct_importance/metrics/metric.py says what a metric must define"
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
                f"{FOLDER}/{metric}.py: TABLE is {table!r}, which is the table of "
                f"{FOLDER}/{tables[table]}.py; give each metric a table of its own"
            )
        tables[table] = metric
    return tables
