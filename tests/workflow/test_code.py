import ast
from pathlib import Path

import pytest

from ct_importance.workflow import code as module
from ct_importance.workflow.code import code_inputs

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    "pkg/driver.py": "import json\nfrom pkg.stage import helper\n",
    "pkg/stage/helper.py": "import numpy as np\nimport pkg.stage.deep\n",
    "pkg/stage/deep.py": "from pkg.base import thing\n",
    "pkg/base.py": "thing = 1\n",
    "pkg/lazy.py": "def work():\n    if True:\n        from pkg.base import thing\n",
    "pkg/nested.py": (
        "try:\n    from pkg.stage import deep\nexcept ImportError:\n    import pkg.alone\n"
        "match 1:\n    case 1:\n        while True:\n            import pkg.circle\n"
        "class Thing:\n    for _ in 'a':\n        pass\n    else:\n        import pkg.lazy\n"
    ),
    "pkg/typed.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from pkg.base import thing\n"
        "from pkg.stage.deep import other\n"
    ),
    "pkg/circle.py": "from pkg import round_circle\n",
    "pkg/round_circle.py": "from pkg import circle\n",
    "pkg/alone.py": "import os\nfrom scripting import base\nfrom other.pkg import base\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of the modules above."""
    for path, content in MODULES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "PACKAGE", "pkg")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("script", "imported"),
    [
        ("driver", ["base", "stage/deep", "stage/helper"]),
        ("lazy", ["base"]),
        ("nested", ["alone", "base", "circle", "lazy", "round_circle", "stage/deep"]),
        ("typed", ["base", "stage/deep"]),
        ("circle", ["circle", "round_circle"]),
        ("alone", []),
    ],
)
def test_imports_are_followed(script, imported):
    assert code_inputs(f"pkg/{script}.py") == [f"pkg/{name}.py" for name in imported]


@pytest.mark.usefixtures("project")
def test_imports_for_type_checkers_are_not_followed(tmp_path):
    (tmp_path / "pkg" / "stage" / "deep.py").write_text("")

    assert code_inputs("pkg/typed.py") == ["pkg/stage/deep.py"]


@pytest.mark.usefixtures("project")
def test_several_scripts_give_what_any_of_them_imports():
    assert code_inputs("pkg/lazy.py", "pkg/circle.py") == [
        "pkg/base.py",
        "pkg/circle.py",
        "pkg/round_circle.py",
    ]


# This project


def test_an_edit_of_one_estimator_does_not_concern_the_others():
    driver = code_inputs("scripts/compute_importance.py")

    assert "ct_importance/io/image_table.py" in driver
    assert not [path for path in driver if path.startswith("ct_importance/saliency/estimators/")]


STAGES = [
    "cohort",
    "classifier",
    "saliency",
    "metrics",
    "statistics",
    "report",
    "workflow",
    "notebook",
]


@pytest.mark.parametrize(
    ("folder", "later"),
    [
        ("io", STAGES),
        ("compute", STAGES),
        *((stage, STAGES[number + 1 :]) for number, stage in enumerate(STAGES[:-1])),
    ],
)
def test_a_stage_imports_no_code_of_a_later_one(folder, later):
    files = [
        str(path.relative_to(ROOT)) for path in (ROOT / "ct_importance" / folder).rglob("*.py")
    ]

    imported = {Path(path).parts[1] for path in code_inputs(*files)}

    assert imported.isdisjoint(later)


def test_nothing_is_imported_in_a_way_that_would_not_be_followed():
    for path in (ROOT / "ct_importance").rglob("*.py"):
        tree = ast.parse(path.read_text())
        # That of the package itself loads the notebook's part when it is asked for.
        if path.name == "__init__.py" and path.parent.name != "ct_importance":
            assert all(isinstance(node, ast.Expr) for node in tree.body), f"{path.name} has code"
        relative = [it for it in ast.walk(tree) if isinstance(it, ast.ImportFrom) and it.level]
        assert not relative, f"{path.name} has a relative import"
