"""docs/estimators.md is what the classes say."""

import runpy
from pathlib import Path

from ct_importance.plugins import load, names

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_in_step_with_the_classes():
    """After a change: make schema."""
    page = runpy.run_path(str(ROOT / "docs/make_estimators.py"))["text"]()
    assert (ROOT / "docs/estimators.md").read_text(encoding="utf-8") == page
    for name in names("estimator"):
        assert f"### {load('estimator', name).title}\n" in page
        assert f"- Method: `{name}`\n" in page
