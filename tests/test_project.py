"""The project's own files agree with each other."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(requirements):
    return dict(line.split("==") for line in requirements)


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.yaml")), ids=lambda path: path.stem)
def test_conda_environments_have_the_pins_of_pyproject(path):
    (pip,) = [
        entry["pip"]
        for entry in yaml.safe_load(path.read_text())["dependencies"]
        if isinstance(entry, dict)
    ]
    expected = pins(PROJECT["dependencies"])
    assert pins(pip).items() <= expected.items()


def test_every_stage_has_an_environment():
    stages = {path.stem for path in (ROOT / "rules").glob("*.smk")} - {"common"}
    assert {path.stem for path in (ROOT / "envs").glob("*.yaml")} == stages
    assert all((ROOT / "scripts" / stage / "__init__.py").is_file() for stage in stages)


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("requirements.lock", PROJECT["dependencies"]),
        ("requirements-dev.lock", PROJECT["optional-dependencies"]["dev"]),
        ("requirements-bench.lock", PROJECT["optional-dependencies"]["bench"]),
        ("requirements-slurm.lock", PROJECT["optional-dependencies"]["slurm"]),
    ],
)
def test_locks_have_the_pins_of_pyproject(lock, requirements):
    lines = (ROOT / lock).read_text().splitlines()
    locked = pins(line for line in lines if line)
    canonical = {name.lower().replace("_", "-"): version for name, version in locked.items()}
    assert pins(requirements).items() <= canonical.items()


def test_reading_the_workflow_imports_nothing_heavy():
    heavy = ["torch", "captum", "pandas", "matplotlib", "skimage", "scipy", "pydicom", "nibabel"]
    program = (
        "import sys, scripts.config, yaml; from pathlib import Path;"
        "scripts.config.parse_config(yaml.safe_load(Path('config.yaml').read_text()));"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
