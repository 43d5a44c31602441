"""What it takes to trace a result and to repeat it, without any path or name of a patient."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ct_importance.io.paths import StrPath

HIDDEN = "(not shown)"
PATH_KEYS = frozenset(
    {
        *("data_dir", "dicom", "volumes", "patients", "masks", "csv", "pseudonym_key"),
        *("weights", "bundle", "factory", "program", "onnx", "folder"),
    }
)
"""Keys of the configuration that hold paths, which may name people and places."""


def shareable_config(content: Any) -> Any:
    """Return a configuration without paths and slice ids.

    Args:
        content: The configuration, or a part of it.
    """
    if isinstance(content, Mapping):
        return {key: _shareable(key, value) for key, value in content.items()}
    return content


def _shareable(key: str, value: Any) -> Any:
    holds_path = key in PATH_KEYS and isinstance(value, str | list)
    # Folders of several readers, by their names.
    holds_path |= key == "masks" and isinstance(value, Mapping)
    if holds_path or key == "example_slices":
        return HIDDEN if value else value
    return shareable_config(value)


def package_versions(names: Iterable[str]) -> dict[str, str | None]:
    """Return the versions of packages that are installed here, None for others."""
    return {name: _version(name) for name in sorted(names)}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def git_commit(folder: StrPath) -> dict[str, Any] | None:
    """Return the commit of a project and whether files differ from it; None without git.

    Args:
        folder: Top of the project. A repository that only contains this folder is another's.
    """
    try:
        top = _git(folder, "rev-parse", "--show-toplevel")
        if Path(top).resolve() != Path(folder).resolve():
            return None
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
        return {"commit": _git(folder, "rev-parse", "HEAD"), "changed": bool(changed)}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: StrPath, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


def hardware() -> dict[str, Any]:
    """Return what this computer is: processor, cores, memory (GB), GPUs, system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "gpus": _gpus(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


def _memory_gb() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    except (OSError, ValueError):
        return None


def _gpus() -> list[str]:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.strip().splitlines()
