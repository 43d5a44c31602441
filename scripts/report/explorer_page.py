"""The explorer: one page that holds slices, maps and scores, and needs nothing else."""

from __future__ import annotations

import base64
import html
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from scripts.atomic import replacing

COLOURS = {"diverging": "RdBu_r", "sequential": "inferno"}
"""Those of the figures: as much darker to either side; lightness rises evenly."""
SCRIPT_FILES = ("levels.js", "drawing.js", "page.js")


def write_page(
    path: str | os.PathLike,
    templates: Mapping[str, str | os.PathLike],
    slices: Iterable[dict[str, Any]],
    index: dict[str, Any],
) -> None:
    """Write the page, slice by slice, so that memory does not grow with their number.

    Args:
        path: The page to write.
        templates: page.html, page.css and `SCRIPT_FILES` by name.
        slices: Contents of the slices, see `scripts.report.explorer_slices.pack_slice`.
        index: What is known beforehand; it is read after the last slice, so that it may grow
            while ``slices`` are made.
    """
    texts = {name: Path(file).read_text(encoding="utf-8") for name, file in templates.items()}
    before, after = texts["page.html"].split("<!-- data -->\n")
    scripts = "\n".join(texts[name] for name in SCRIPT_FILES)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        title = html.escape(index["run"])
        file.write(before.replace("/* style */", texts["page.css"]).replace("{run}", title))
        for number, content in enumerate(slices):
            file.write(_data_element(f"slice-{number}", content))
        file.write(_data_element("index", index))
        file.write(after.replace("/* scripts */", scripts))


def _data_element(name: str, content: Any) -> str:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def colour_tables() -> dict[str, str]:
    """Return 256 colours from the low to the high end of each scale, as RGB bytes in Base64."""
    tables = {}
    for name, colours in COLOURS.items():
        rgb = matplotlib.colormaps[colours](np.linspace(0, 1, 256), bytes=True)[:, :3]
        tables[name] = base64.b64encode(rgb.tobytes()).decode()
    return tables
