"""docs/estimators.md and docs/metrics.md are what the classes say."""

import runpy
from pathlib import Path

import pytest

from ct_importance.plugins import load, names

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = runpy.run_path(str(DOCS / "make_pages.py"))["PAGES"]


@pytest.mark.parametrize("kind", ["estimator", "metric"])
def test_the_page_is_in_step_with_the_classes(kind):
    """After a change: make schema."""
    file = f"{kind}s.md"
    page = PAGES[file]()
    assert (DOCS / file).read_text(encoding="utf-8") == page
    for name in names(kind):
        assert f"### {load(kind, name).title}\n" in page
        assert f"- Method: `{name}`\n" in page
