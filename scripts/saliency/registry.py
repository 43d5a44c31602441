"""Estimators found by name: one module each in the estimators folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from scripts.errors import InputError

PACKAGE = "scripts.saliency.estimators"
REQUIRED = ("Options", "FOLLOWS_PREDICTION", "NEEDS_TRAINING_SLICES", "compute_importance")


def available_estimators() -> list[str]:
    """Return the names of the estimators there are, sorted."""
    folder = Path(__file__).with_name("estimators")
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def load_estimator(method: str) -> ModuleType:
    """Return the module of an estimator; see `scripts.saliency.contract` for what it defines.

    Args:
        method: Name of its file, without suffix.

    Raises:
        InputError: If there is no such estimator, or its module lacks part of the contract.
    """
    if method not in available_estimators():
        raise InputError(
            f"estimators: no estimator {method!r}; there are {', '.join(available_estimators())}. "
            f"To add one, write scripts/saliency/estimators/{method}.py"
        )
    module = importlib.import_module(f"{PACKAGE}.{method}")
    lacking = [name for name in REQUIRED if not hasattr(module, name)]
    if lacking:
        raise InputError(
            f"scripts/saliency/estimators/{method}.py: does not define {', '.join(lacking)}; "
            "scripts/saliency/contract.py says what an estimator must define"
        )
    return module
