"""README.md and the pages of docs/ lead to each other, and a newcomer reads one page first."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS, ROOT / "benchmarks/README.md"]


def anchors(page: Path) -> set[str]:
    """What a link can name behind the #: the headings, as GitHub and GitLab spell them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_that_are_named_exist(page):
    text = page.read_text()
    examples = set(re.findall(r"^# (\w+\.py)$", text, flags=re.MULTILINE))
    folders = "benchmarks|configs|ct_importance|docs|envs|profiles|rules|schemas|scripts|tests"
    for path in re.findall(rf"`((?:{folders})/[\w./]+)`", text):
        assert (ROOT / path).exists() or Path(path).name in examples, path


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_the_readme_names_every_page(page):
    assert f"](docs/{page.name})" in (ROOT / "README.md").read_text()


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_does_not_follow_a_list(page):
    """What is indented there is a part of the last entry, and no code."""
    item = r"^(?:[-*]|\d+\.) .*\n(?: +\S.*\n)*\n {4,}\S.*"
    assert re.findall(item, page.read_text(), flags=re.MULTILINE) == []


def test_no_paragraph_stands_twice():
    seen: dict[str, Path] = {}
    for page in PAGES:
        for paragraph in page.read_text().split("\n\n"):
            if len(paragraph) > 120:
                assert seen.setdefault(paragraph.strip(), page) == page, paragraph
