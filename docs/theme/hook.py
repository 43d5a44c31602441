"""Makes the pages of the repository a site: a hook of MkDocs, see mkdocs.yml.

README.md becomes the front page, and every file that pages link to has its place on the site as it
has in the repository. So links hold in both. Files that are no pages are shown as one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
FRONT = "README.md"
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
"""What a link or picture of Markdown names in the repository, without the heading in it."""
LANGUAGES = {".py": "python", ".yaml": "yaml", ".cff": "yaml"}
OF_THE_THEME = ("docs/theme/iframe-worker.js", "docs/theme/style.css")


def linked(path: str) -> Iterator[str]:
    """Yield what a page links to, as paths in the repository."""
    folder = posixpath.dirname(path)
    for link in LINK.findall((ROOT / path).read_text(encoding="utf-8")):
        yield posixpath.normpath(posixpath.join(folder, link))


def files_of_site() -> list[str]:
    """Return all that the front page leads to, over as many pages as it takes."""
    found, todo = {FRONT}, [FRONT]
    while todo:
        new = set(linked(todo.pop())) - found
        found |= new
        todo += [path for path in new if path.endswith(".md")]
    return sorted(found)


def is_shown_as_page(path: str) -> bool:
    """Tell whether a file is text that a browser would offer to save, or show without colours."""
    return not path.endswith((".md", ".png", ".css", ".js"))


def shown_as_page(path: str) -> str:
    """Return a page that shows a file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    fence = "`" * (max(2, *map(len, re.findall("`+", text)), 0) + 1)
    language = LANGUAGES.get(Path(path).suffix, "text")
    return f"# {path}\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


def draw(source: str, *_: Any, **__: Any) -> str:
    """Return a diagram of Mermaid as a picture: its script would be fetched from the network."""
    import mmdr

    return f'<div class="diagram">{mmdr.render(source).svg()}</div>'


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Say in Python what the file of settings could only say with tags for Python."""
    fence = {"name": "mermaid", "class": "diagram", "format": draw}
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [fence]}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Take the files of the repository in place of those of the folder docs/."""
    from mkdocs.structure.files import File, InclusionLevel

    unlisted = InclusionLevel.NOT_IN_NAV
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
    for path in [*files_of_site(), *OF_THE_THEME]:
        if is_shown_as_page(path):
            page = f"{path}.md", shown_as_page(path)
            files.append(File.generated(config, page[0], content=page[1], inclusion=unlisted))
        else:
            files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to the pages that show files."""
    if not (ROOT / page.file.src_uri).is_file():
        return markdown  # it is one of them
    return LINK.sub(lambda link: link[0] + ".md" * is_shown_as_page(link[0]), markdown)
