"""A virtual environment that holds what the runtime lock names, and nothing else."""

import re
import subprocess
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from tests.workflow.project import ROOT

LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==", flags=re.MULTILINE)
# torch is no part of the lock, nor is what only its build for GPUs needs.
OF_TORCH = re.compile(r"torch$|triton$|cuda-|nvidia-")


def environment_of_lock(folder: Path) -> str:
    """Make the environment out of links to the packages installed here; return its Python.

    To install them would take minutes.
    """
    base = sys._base_executable  # of the environment this runs in, or it would be a part of the new
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    names = LOCKED.findall((ROOT / "requirements.lock").read_text())
    for installed in [*filter(None, map(_installed, names)), *_of_torch("torch", {})]:
        _link(installed, site)
    return str(folder / "bin" / "python")


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None  # for other systems, or other versions of Python


def _of_torch(name: str, found: dict[str, Distribution]) -> list[Distribution]:
    installed = _installed(name)
    if installed and OF_TORCH.match(name) and name not in found:
        found[name] = installed
        for requirement in installed.requires or []:
            _of_torch(re.match(r"[A-Za-z0-9._-]+", requirement)[0], found)
    return list(found.values())


def _link(installed: Distribution, site: Path) -> None:
    files = [path for path in installed.files if ".." not in path.parts]
    packages = {path.parts[0] for path in files if path.parts[1:] == ("__init__.py",)}
    for path in files:
        # Several distributions may share a folder that is no package.
        part = path.parts[0] if path.parts[0] in packages else path
        target, source = site / part, Path(installed.locate_file(part))
        if source.exists() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
