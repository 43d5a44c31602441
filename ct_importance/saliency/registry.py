"""Estimators, and the kinds of parts they share, found by name: one module each."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from ct_importance.errors import InputError
from ct_importance.saliency.estimator import Options, Part

PACKAGE = "ct_importance.saliency"
ALONE = (
    "Options",
    "FOLLOWS_PREDICTION",
    "NEEDS_TRAINING_SLICES",
    "compute_importance",
    "gradient_passes",
)
COMPOSED = ("Options", "FOLLOWS_PREDICTION", "parts", "combine")
PART = ("Options", "MAPS", "compute_part", "gradient_passes")


def available_estimators() -> list[str]:
    """Return the names of the estimators there are, sorted."""
    return _modules("estimators")


def load_estimator(method: str) -> ModuleType:
    """Return the module of an estimator; see `saliency.estimator` for what it defines.

    Args:
        method: Name of its file, without suffix.

    Raises:
        InputError: If there is no such estimator, or its module lacks part of the contract.
    """
    if method not in available_estimators():
        raise InputError(
            f"estimators: no estimator {method!r}; there are {', '.join(available_estimators())}. "
            f"To add one, write ct_importance/saliency/estimators/{method}.py"
        )
    module = importlib.import_module(f"{PACKAGE}.estimators.{method}")
    _check(module, COMPOSED if is_composed(module) else ALONE)
    return module


def is_composed(estimator: ModuleType) -> bool:
    """Return whether an estimator is made of parts that others use as well."""
    return hasattr(estimator, "combine")


def load_part(kind: str) -> ModuleType:
    """Return the module of a kind of part; see `ct_importance.saliency.estimator`.

    Raises:
        InputError: If there is no such kind, or its module lacks part of the contract.
    """
    if kind not in _modules("shared"):
        raise InputError(f"there is no ct_importance/saliency/shared/{kind}.py")
    module = importlib.import_module(f"{PACKAGE}.shared.{kind}")
    _check(module, PART)
    return module


def parts_of(estimator: ModuleType, options: Options) -> dict[str, Part]:
    """Return what a composed estimator is made of, by its own names; nothing for others."""
    if not is_composed(estimator):
        return {}
    return {
        name: Part(part.kind, load_part(part.kind).Options(**part.options).model_dump())
        for name, part in estimator.parts(options).items()
    }


def gradient_passes(estimator: ModuleType, options: Options) -> int:
    """Return how many gradients an estimator takes of each slice, each of its parts in full."""
    if not is_composed(estimator):
        return estimator.gradient_passes(options)
    passes = 0
    for part in parts_of(estimator, options).values():
        module = load_part(part.kind)
        passes += module.gradient_passes(module.Options(**part.options))
    return passes


def _modules(folder: str) -> list[str]:
    files = Path(__file__).with_name(folder).glob("*.py")
    return sorted(file.stem for file in files if not file.stem.startswith("_"))


def _check(module: ModuleType, required: tuple[str, ...]) -> None:
    lacking = [name for name in required if not hasattr(module, name)]
    if lacking:
        file = module.__name__.replace(".", "/") + ".py"
        raise InputError(
            f"{file}: does not define {', '.join(lacking)}; "
            "ct_importance/saliency/estimator.py says what it must define"
        )
