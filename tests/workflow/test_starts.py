"""What jobs import before they work: a package that takes long only where it is needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py"))
READING_IMAGES = {
    "export_maps",
    "extract_slices",
    "find_chest",
    "index_cohort",
    "label_series",
    "read_headers",
}
OF_FRAMES = {
    *(
        "build_explorer",
        "compare_classifiers",
        "compare_maps",
        "estimate_components",
        "explore_classifiers",
        "estimate_values",
    ),
    *("evaluate_ceiling", "measure_truth", "plot_classifiers", "plot_figure", "rank_estimators"),
    *(
        "write_agreement",
        "write_captions",
        "write_classifiers",
        "write_cost",
        "write_planted",
        "write_stability",
        "write_summary",
        "write_table",
    ),
}
NEEDED = {
    "torch": {"export_classifier", "randomise_classifier", "train_classifier"},
    "matplotlib": {"build_explorer", "explore_classifiers", "plot_classifiers", "plot_figure"},
    "pandas": OF_FRAMES,
    "pydicom": {*READING_IMAGES, "generate_phantom", "plan_extraction"},
    "scipy": {"build_explorer", "explore_classifiers", "generate_phantom", "segment_slices"},
    "skimage": {"segment_slices"},
    "captum": set(),
    "nibabel": set(),
    "onnx": set(),
    "onnxruntime": set(),
    "SimpleITK": set(),
}
"""By package that takes a tenth of a second or more: the scripts that may import it at once."""
# Each script in a process of its own, forked from one that has what all of them import.
IMPORT_ALL = """
import ast, json, os, sys
import numpy, pyarrow.parquet, pydantic
for script in sys.argv[1:]:
    if os.fork() == 0:
        tree = ast.parse(open(f"scripts/{script}.py").read())
        lines = [it for it in tree.body if isinstance(it, ast.Import | ast.ImportFrom)]
        exec(compile(ast.Module(lines, []), script, "exec"))
        print(json.dumps([script, [name for name in sys.modules if "." not in name]]), flush=True)
        os._exit(0)
    if os.wait()[1] != 0:
        raise SystemExit(script)
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, set[str]]:
    """The packages that each script imports; of those that need torch, which takes longest, no."""
    scripts = [script for script in SCRIPTS if script not in NEEDED["torch"]]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *scripts],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {script: set(names) for script, names in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("package", NEEDED)
def test_only_scripts_that_need_a_package_import_it(imported, package):
    assert {script for script, names in imported.items() if package in names} <= NEEDED[package]
