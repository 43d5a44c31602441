"""Which project modules a script imports: a digest of them is a param of its rule.

Snakemake sees edits of the script itself only.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ct_importance"


@functools.cache
def code_digest(script: str, *modules: str) -> str:
    """Return a digest of the modules of the project that a rule runs.

    Args:
        script: Path of its script, relative to the project's root; Snakemake sees its edits.
        *modules: Names of modules that the script loads by name, here or in other packages.
    """
    loaded = [path for module in modules for path in _files_of(module)]
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted({*loaded, *code_inputs(script, *loaded)}):
        digest.update(f"{Path(path).name}\n".encode() + (ROOT / path).read_bytes())
    return digest.hexdigest()


def _files_of(module: str) -> list[str]:
    """Return the file of a module, relative to the project's root.

    Of another package, whose imports are not followed: all of its modules.
    """
    package = module.partition(".")[0]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no file of the module {module}")
    file = Path(spec.origin)
    if package == PACKAGE:
        return [str(file.relative_to(ROOT))]
    whole = importlib.util.find_spec(package)
    folders = (whole and whole.submodule_search_locations) or []
    return [str(path) for folder in folders for path in Path(folder).rglob("*.py")] or [str(file)]


def code_inputs(*scripts: str) -> list[str]:
    """Return the modules of the project that some scripts import, directly or not.

    Imports inside functions count, those for type checkers only do not.

    Args:
        scripts: Paths of scripts or modules, relative to the project's root.

    Returns:
        Paths relative to the project's root, sorted, without the scripts themselves.
    """
    found: set[Path] = set()
    todo = [ROOT / script for script in scripts]
    while todo:
        for module in _imported_modules(todo.pop()):
            if module not in found:
                found.add(module)
                todo.append(module)
    return sorted(str(module.relative_to(ROOT)) for module in found)


@functools.cache
def _imported_modules(path: Path) -> frozenset[Path]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return frozenset(
        file
        for node in _statements(tree)
        for name in _module_names(node)
        if (file := ROOT / Path(*name.split(".")).with_suffix(".py")).is_file()
    )


def _statements(parent: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements inside another, however deep, and no expressions: imports are none."""
    for block in ("body", "orelse", "handlers", "finalbody", "cases"):
        for node in getattr(parent, block, ()):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            yield node
            yield from _statements(node)


def _module_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.startswith(f"{PACKAGE}.")]
    module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    if isinstance(node, ast.ImportFrom) and module.split(".")[0] == PACKAGE:
        return [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return []
