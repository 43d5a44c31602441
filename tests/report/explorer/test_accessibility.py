"""The explorer's page for people who see little, use no pointer, or have a small window."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.report.explorer.looking import text_of

PACKAGE = find_spec("axe_core_python")
BUNDLED = Path(PACKAGE.origin).parent / "axe.min.js" if PACKAGE else Path("axe.min.js")
AXE = Path(os.environ.get("CT_IMPORTANCE_AXE", BUNDLED))
"""The environment can name a newer one, of `npm pack axe-core`."""
NO_AXE = f"needs axe-core: {AXE} is not there; make .venv/.installed-dev brings one"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_screen_reader_is_told_what_is_shown(visit, width):
    page = visit("slice=slice-0", width)

    spoken = text_of(page, "#live")
    assert spoken.startswith("Slice 2 of 4, patient patient-0, no contrast, answer correct. ")
    assert "Integrated Gradients (B&W), original, Fidelity " in spoken
    tree = page.call("Accessibility.getFullAXTree")["nodes"]
    seen = [node for node in tree if not node.get("ignored")]
    nameless = [
        node["role"]["value"]
        for node in seen
        if node["role"]["value"]
        in {"button", "combobox", "slider", "checkbox", "radio", "image", "img"}
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    buttons = [node["name"]["value"] for node in seen if node["role"]["value"] == "button"]
    assert {"Previous slice", "Next slice"} <= set(buttons)
    pictures = [node["name"]["value"] for node in seen if node["role"]["value"] in {"image", "img"}]
    assert any(name.startswith("CT slice of patient patient-0") for name in pictures)
    assert sum("importance map" in name for name in pictures) == 2


CONTRASTS = """(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((parts(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("body *")]
    .filter((node) => node.checkVisibility() && node.childNodes.length
      && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()))
    .map((node) => {
      const style = getComputedStyle(node);
      const ink = node.namespaceURI.endsWith("svg") ? style.fill : style.color;
      const [one, two] = [light(ink), light(ground(node))];
      return [(Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05), node.textContent];
    })
    .filter(([contrast]) => contrast < 4.5);
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(visit, scheme):
    page = visit("slice=slice-0&fraction=1")
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.call("Emulation.setEmulatedMedia", features=[feature])

    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.evaluate(CONTRASTS) == []


def test_the_focus_can_be_seen_wherever_it_goes(visit):
    page = visit("slice=slice-0")

    without = page.evaluate(
        """(() => {
          const fields = document.querySelectorAll("main button, main select, main input, nav *");
          return [...fields].filter((field) => field.matches("button, select, input")
            && field.checkVisibility()).filter((field) => {
              field.focus({ focusVisible: true });
              return getComputedStyle(field).outlineWidth !== "3px";
            }).map((field) => field.outerHTML);
        })()"""
    )
    assert without == []


@pytest.mark.parametrize("width", [320, 360, 768, 1280, 1920])
def test_nothing_is_wider_than_the_window(visit, width):
    page = visit("slice=slice-0", width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = page.evaluate(
        """[...document.querySelectorAll("main *, nav *, header *, #filters *")]
             .filter((node) => node.checkVisibility() && !node.closest(".hidden"))
             .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
             .map((node) => node.outerHTML.slice(0, 100))"""
    )
    assert too_wide == []
    assert page.evaluate("document.querySelector('.wide').scrollWidth") <= page.evaluate(
        "document.querySelector('.wide').clientWidth"
    )


@pytest.mark.skipif(not AXE.is_file(), reason=NO_AXE)
@pytest.mark.parametrize("width", [390, 1024, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark", "forced"])
def test_axe_finds_nothing(visit, width, scheme):
    page = visit("slice=slice-0&minus=smoothgrad_squared", width)
    page.call("Emulation.setEmulatedMedia", features=[FEATURES[scheme]])
    page.evaluate(f"{AXE.read_text()};0")
    page.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true; })")
    page.wait_for("document.querySelector('#gallery button')")
    page.wait_for("document.querySelector('#mean-maps canvas')")

    assert page.evaluate(f"axe.run().then({BROKEN})") == []
    page.evaluate("document.getElementById('help').showModal()")
    assert page.evaluate(f"axe.run().then({BROKEN})") == []


FEATURES = {
    "light": {"name": "prefers-color-scheme", "value": "light"},
    "dark": {"name": "prefers-color-scheme", "value": "dark"},
    "forced": {"name": "forced-colors", "value": "active"},
}
BROKEN = """({ violations }) => violations.map(({ id, nodes }) =>
  [id, nodes.map((node) => `${node.html} ${node.failureSummary}`).slice(0, 3)])"""


def test_forced_colours_keep_pictures_and_marks(visit):
    page = visit("slice=slice-0")
    page.call("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])

    style = "getComputedStyle(document.querySelector('{}')).{}"
    assert page.evaluate(style.format("canvas.view", "forcedColorAdjust")) == "none"
    border = style.format(".tile.chosen", "borderTopColor")
    assert page.evaluate(border) != page.evaluate(
        style.format(".tile:not(.chosen)", "borderTopColor")
    )
    lines = [page.evaluate(style.format(f".curve .{order}", "stroke")) for order in ("mif", "lif")]
    assert lines[0] != lines[1]
