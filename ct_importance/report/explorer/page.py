"""The explorer: one page that holds slices, maps and scores, and needs nothing else."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

from ct_importance.io.atomic import replacing
from ct_importance.io.paths import StrPath
from ct_importance.report.explorer.levels import encode_bytes

COLOURS = {"diverging": "RdBu_r", "sequential": "inferno"}
"""Those of the figures: as much darker to either side; lightness rises evenly."""
SCRIPT_FILES = (
    *("levels.js", "data.js", "state.js", "colours.js", "charts.js"),
    *("stage.js", "pointer.js", "means.js", "panels.js", "overview.js", "saving.js", "page.js"),
)
"""In the order in which they are read."""


def write_page(
    path: StrPath,
    templates: Mapping[str, StrPath],
    slices: Iterable[dict[str, Any]],
    index: dict[str, Any],
    means: Sequence[dict[str, Any]] = (),
) -> None:
    """Write the page, slice by slice, so that memory does not grow with their number.

    Args:
        path: The page to write.
        templates: page.html, page.css and `SCRIPT_FILES` by name.
        slices: Contents of the slices, see `ct_importance.report.explorer.slices.pack_slice`.
        index: What is known of the run as a whole.
        means: Mean maps, see `ct_importance.report.explorer.means.pack_means`.
    """
    texts = {name: Path(file).read_text(encoding="utf-8") for name, file in templates.items()}
    before, rest = texts["page.html"].split("<!-- index -->\n")
    # The script stands before the slices: the first is shown while the others are still read.
    script, after = rest.split("<!-- slices -->\n")
    scripts = "\n".join(texts[name] for name in SCRIPT_FILES)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        title = html.escape(index["run"])
        file.write(before.replace("/* style */", texts["page.css"]).replace("{run}", title))
        file.write(_data_element("index", index))
        file.write(script.replace("/* scripts */", scripts))
        limits, thumbnails = [], []
        for number, content in enumerate(slices):
            limits.append(content["limits"])
            thumbnails.append(content.pop("thumbnail"))
            file.write(_data_element(f"slice-{number}", content))
        file.write(_data_element("limits", _common_limits(limits)))
        file.write(_data_element("thumbnails", thumbnails))
        file.write(_data_element("means", list(means)))
        file.write(after)


def _common_limits(limits: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return one end of the colour scale for all slices: the median of the slices' own."""
    return {name: float(np.median([each[name] for each in limits])) for name in limits[0]}


def _data_element(name: str, content: Any) -> str:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" id="{name}">{text}</script>\n'


def colour_tables() -> dict[str, str]:
    """Return 256 colours from the low to the high end of each scale, as RGB bytes in text."""
    tables = {}
    for name, colours in COLOURS.items():
        rgb = matplotlib.colormaps[colours](np.linspace(0, 1, 256), bytes=True)[:, :3]
        tables[name] = encode_bytes(rgb.tobytes())
    return tables
