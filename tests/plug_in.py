"""Packages like those that people install beside this project, with estimators and the like."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ct_importance import plugins


@contextmanager
def installed(
    folder: Path,
    package: str,
    modules: Mapping[str, str],
    entry_points: Mapping[str, Mapping[str, str]],
) -> Iterator[None]:
    """Install a package in a folder, as pip does, for as long as the context lasts.

    Args:
        folder: Stands for site-packages.
        package: Name of the package.
        modules: Source of each of its modules, by name.
        entry_points: By group, the module or object of each name.
    """
    code, facts = folder / package, folder / f"{package}-1.0.dist-info"
    code.mkdir()
    facts.mkdir()
    for name, source in {"__init__": "", **modules}.items():
        (code / f"{name}.py").write_text(source)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines: list[str] = []
    for group, points in entry_points.items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (facts / "entry_points.txt").write_text("\n".join(lines) + "\n")
    sys.path.insert(0, str(folder))
    _forget(package)
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        _forget(package)


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    importlib.invalidate_caches()
    plugins.modules.cache_clear()
    plugins.load.cache_clear()
