"""The site of `make docs` holds every page, and all that pages link to."""

import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
# No tag of Python: who reads settings runs nothing.
SETTINGS = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
HOOK = runpy.run_path(str(ROOT / "docs/theme/hook.py"))
DOCS = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
OTHERS = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md", "config.yaml.md"}


def pages(entries):
    """Paths of a navigation, whose sections hold entries."""
    for entry in entries:
        for held in entry.values() if isinstance(entry, dict) else [entry]:
            yield from pages(held) if isinstance(held, list) else [held]


def test_the_navigation_names_every_page_once():
    named = list(pages(SETTINGS["nav"]))
    assert sorted(named) == sorted(DOCS | OTHERS)


def test_the_site_has_what_pages_link_to():
    files = HOOK["files_of_site"]()
    assert {*DOCS, "README.md", "config.yaml", "LICENSE", "docs/ranks.png"} <= {*files}
    assert [path for path in files if not (ROOT / path).is_file()] == []


def test_links_to_files_lead_to_the_pages_that_show_them():
    text = "[a](../config.yaml) [b](labels.md#c) ![d](ranks.png) [e](https://f.g/h.py) [i](#j)"
    page = SimpleNamespace(file=SimpleNamespace(src_uri="docs/masks.md"))
    shown = SimpleNamespace(file=SimpleNamespace(src_uri="config.yaml.md"))
    lead = HOOK["on_page_markdown"]
    assert lead(text, page) == text.replace("config.yaml", "config.yaml.md")
    assert lead(text, shown) == text


def test_a_file_is_shown_whole_between_fences_that_it_does_not_hold():
    page = HOOK["shown_as_page"]("CONTRIBUTING.md")
    assert page.startswith("# CONTRIBUTING.md\n\n````text\n")
    assert (ROOT / "CONTRIBUTING.md").read_text().strip() in page
    assert HOOK["shown_as_page"]("config.yaml").count("```") == 2


def test_nothing_is_asked_of_the_network():
    assert SETTINGS["theme"]["font"] is False
    own = [*SETTINGS["extra"]["polyfills"], *SETTINGS["extra_css"]]
    assert sorted(own) == sorted(HOOK["OF_THE_THEME"])
    # The plugin that makes search work without a server looks for this name before it asks.
    assert "iframe-worker" in SETTINGS["extra"]["polyfills"][0]


@pytest.mark.skipif(not find_spec("mkdocs"), reason="MkDocs is not installed: make docs")
def test_the_site_is_built_without_a_warning(tmp_path):
    """Its own check of links and headings is strict, too."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    assert "make demo" in (tmp_path / "index.html").read_text()
    assert "<svg" in (tmp_path / "docs/architecture.html").read_text()
    assert "Occlusion" in (tmp_path / "search/search_index.js").read_text()
    for page in tmp_path.rglob("*.html"):
        tags = re.findall(r"<(?:script|link|img|iframe)[^>]*>", page.read_text())
        assert [tag for tag in tags if re.search(r'(src|href)="(https?:)?//', tag)] == [], page
