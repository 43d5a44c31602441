"""Classifier sources, estimators, metrics, fills and figures: found by name, here and elsewhere.

Each is a class in a module of its own, and the module's name is its name in config.yaml, or that of
the files of a figure. Another installed package adds one by an entry point, for instance in its
pyproject.toml::

    [project.entry-points."ct_importance.estimators"]
    my_estimator = "my_package.my_estimator"

The classes are loaded while the workflow is read, so their modules import torch and the like inside
functions only, and those of figures matplotlib and pandas.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, NamedTuple

from ct_importance.errors import InputError
from ct_importance.options import Declared, Options

KindName = Literal["source", "estimator", "shared", "metric", "fill", "figure"]


class Kind(NamedTuple):
    """Where the classes of one kind are."""

    package: str
    """Package of this project that holds a module for each, in folders or not."""
    contract: str
    """Module and name of the base class."""
    group: str
    """Group of the entry points of other packages."""

    @property
    def folder(self) -> str:
        """The package as a folder of the project."""
        return self.package.replace(".", "/")


KINDS: dict[str, Kind] = {
    "source": Kind(
        "ct_importance.classifier.sources",
        "ct_importance.classifier.source:Source",
        "ct_importance.sources",
    ),
    "estimator": Kind(
        "ct_importance.saliency.estimators",
        "ct_importance.saliency.estimator:Estimator",
        "ct_importance.estimators",
    ),
    "shared": Kind(
        "ct_importance.saliency.shared",
        "ct_importance.saliency.estimator:Shared",
        "ct_importance.shared",
    ),
    "metric": Kind(
        "ct_importance.metrics.catalogue",
        "ct_importance.metrics.metric:Metric",
        "ct_importance.metrics",
    ),
    "fill": Kind(
        "ct_importance.metrics.fills",
        "ct_importance.metrics.filling:Filling",
        "ct_importance.fills",
    ),
    "figure": Kind(
        "ct_importance.report.figures",
        "ct_importance.report.figure:Figure",
        "ct_importance.figures",
    ),
}


@functools.cache
def modules(kind: KindName) -> dict[str, str]:
    """Return the module of each class of a kind, by the name of the class.

    Raises:
        InputError: If another package gives a name that there is already.
    """
    here = KINDS[kind]
    folder = Path(importlib.import_module(here.package).__path__[0])
    found = {
        file.stem: ".".join([here.package, *file.relative_to(folder).with_suffix("").parts])
        for file in sorted(folder.rglob("*.py"))
        if not file.stem.startswith("_")
    }
    for point in metadata.entry_points(group=here.group):
        if point.name in found:
            package = point.dist.name if point.dist else point.module
            raise InputError(
                f"the {kind} {point.name!r} of the installed package {package} has a name that "
                f"{found[point.name]} has already; uninstall the package, or rename its entry point"
            )
        found[point.name] = point.module
    return dict(sorted(found.items()))


def names(kind: KindName) -> list[str]:
    """Return the names of the classes of a kind, sorted."""
    return list(modules(kind))


@functools.cache
def load(kind: KindName, name: str) -> Any:
    """Return the class of a kind that has a name.

    Raises:
        InputError: If there is none, its module cannot be imported or defines no such class or
            several, or the class lacks part of its contract.

    Example:
        >>> load("estimator", "smoothgrad")(samples=50).cost()
        Cost(forward=50, backward=50)
    """
    here = KINDS[kind]
    if name not in modules(kind):
        raise InputError(
            f"no {kind} {name!r}; there are {', '.join(names(kind))}. "
            f"To add one, write {here.folder}/{name}.py"
        )
    module = _import(kind, name)
    base_module, _, base_name = here.contract.partition(":")
    base: type[Declared] = getattr(importlib.import_module(base_module), base_name)
    defined = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module.__name__
    ]
    if len(defined) != 1:
        raise InputError(
            f"{module.__file__}: defines {len(defined)} subclasses of {base_name}; "
            f"define one ({base_module.replace('.', '/')}.py says what it must have)"
        )
    (cls,) = defined
    lacking = sorted(
        {name for name in base.required() if not hasattr(cls, name)} | set(cls.__abstractmethods__)
    )
    if lacking:
        raise InputError(
            f"{module.__file__}: {cls.__name__} does not define {', '.join(lacking)}; "
            f"{base_module.replace('.', '/')}.py says what it must have"
        )
    return cls


def _import(kind: KindName, name: str) -> ModuleType:
    module = modules(kind)[name]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"the {kind} {name!r}: {module} cannot be imported ({error}); install what it needs, "
            "or uninstall its package"
        ) from error


class Chosen(Options):
    """An entry of the configuration, as a job carries it."""

    name: str
    """Of the entry."""
    method: str
    """Name of its class."""
    options: dict[str, Any]
    """Its fields."""


def entry_of(name: str, made: Options) -> dict[str, Any]:
    """Return the fields of `Chosen` of an entry.

    Args:
        name: Of the entry.
        made: The object of its class.
    """
    return {"name": name, "method": name_of(type(made)), "options": made.model_dump()}


def name_of(cls: type) -> str:
    """Return the name of a class in config.yaml: of another package, that of its entry point."""
    module = cls.__module__
    names = (name for kind in KINDS for name, path in modules(kind).items() if path == module)
    return next(names, module.rpartition(".")[2])
