import ast
from pathlib import Path

import pytest

from scripts import code_inputs as module
from scripts.code_inputs import code_inputs

ROOT = Path(__file__).parent.parent
MODULES = {
    "scripts/driver.py": "import json\nfrom scripts.stage import helper\n",
    "scripts/stage/helper.py": "import numpy as np\nimport scripts.stage.deep\n",
    "scripts/stage/deep.py": "from scripts.base import thing\n",
    "scripts/base.py": "thing = 1\n",
    "scripts/lazy.py": "def work():\n    if True:\n        from scripts.base import thing\n",
    "scripts/nested.py": (
        "try:\n    from scripts.stage import deep\nexcept ImportError:\n    import scripts.alone\n"
        "match 1:\n    case 1:\n        while True:\n            import scripts.circle\n"
        "class Thing:\n    for _ in 'a':\n        pass\n    else:\n        import scripts.lazy\n"
    ),
    "scripts/typed.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from scripts.base import thing\n"
        "from scripts.stage.deep import other\n"
    ),
    "scripts/circle.py": "from scripts import round_circle\n",
    "scripts/round_circle.py": "from scripts import circle\n",
    "scripts/alone.py": "import os\nfrom scripting import base\nfrom other.scripts import base\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of the modules above."""
    for path, content in MODULES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    monkeypatch.setattr(module, "ROOT", tmp_path)


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
    assert code_inputs(f"scripts/{script}.py") == [f"scripts/{name}.py" for name in imported]


@pytest.mark.usefixtures("project")
def test_imports_for_type_checkers_are_not_followed(tmp_path):
    (tmp_path / "scripts" / "stage" / "deep.py").write_text("")

    assert code_inputs("scripts/typed.py") == ["scripts/stage/deep.py"]


@pytest.mark.usefixtures("project")
def test_several_scripts_give_what_any_of_them_imports():
    assert code_inputs("scripts/lazy.py", "scripts/circle.py") == [
        "scripts/base.py",
        "scripts/circle.py",
        "scripts/round_circle.py",
    ]


# This project


def test_an_edit_of_one_estimator_does_not_concern_the_others():
    driver = code_inputs("scripts/saliency/compute_importance.py")

    assert "scripts/image_table.py" in driver
    assert not [path for path in driver if path.startswith("scripts/saliency/estimators/")]


@pytest.mark.parametrize(
    ("stage", "later"),
    [
        ("cohort", ["model", "saliency", "metrics", "report"]),
        ("model", ["saliency", "metrics", "report"]),
        ("saliency", ["metrics", "report"]),
        ("metrics", ["report"]),
    ],
)
def test_a_stage_imports_no_code_of_a_later_one(stage, later):
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "scripts" / stage).rglob("*.py")]

    imported = {Path(path).parts[1] for path in code_inputs(*files)}

    assert imported.isdisjoint(later)


def test_nothing_is_imported_in_a_way_that_would_not_be_followed():
    for path in (ROOT / "scripts").rglob("*.py"):
        tree = ast.parse(path.read_text())
        if path.name == "__init__.py":
            assert all(isinstance(node, ast.Expr) for node in tree.body), f"{path.name} has code"
        relative = [it for it in ast.walk(tree) if isinstance(it, ast.ImportFrom) and it.level]
        assert not relative, f"{path.name} has a relative import"
