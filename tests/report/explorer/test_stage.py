"""The tiles of the explorer's page: slice and maps side by side, and how they are looked at."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.report.explorer.looking import (
    SHIFT,
    SHOWN,
    pixels_of,
    press,
    text_of,
)
from tests.report.explorer.small_run import ESTIMATORS, HU_WINDOW, SHAPE, importance_of


def test_a_window_shows_its_hounsfield_units_from_black_to_white(run, visit):
    _, subjects, _ = run
    page = visit("slice=slice-2&outline=0&level=50&width=100")

    hounsfield = HU_WINDOW[0] + subjects[2].image * (HU_WINDOW[1] - HU_WINDOW[0])
    expected = 255 * np.clip((hounsfield - 50) / 100 + 0.5, 0, 1)
    assert np.abs(pixels_of(page, "slice")[..., 0] - expected).max() < 2
    page = visit("slice=slice-2")
    press(page, "w")
    assert text_of(page, "#level-text") == "50 HU"
    assert text_of(page, "#width-text") == "350 HU"
    presets = page.evaluate(
        "[...document.querySelectorAll('#preset option')].map((it) => it.label)"
    )
    assert "lung (-600 / 1500)" not in presets  # nothing of it was kept


def test_what_lies_below_the_crosshair_is_told(run, visit):
    _, subjects, _ = run
    page = visit("slice=slice-2&cross=10,6&estimator=integrated_gradients_bw")

    text = text_of(page, "#readout").replace("−", "-")
    hounsfield = HU_WINDOW[0] + subjects[2].image[6, 10] * (HU_WINDOW[1] - HU_WINDOW[0])
    shown = re.search(r"column 11, row 7 · (-?\d+) HU · in the mask · .* (-?[\d.]+)$", text)
    assert float(shown[1]) == pytest.approx(hounsfield, abs=1)
    importance = importance_of("integrated_gradients_bw", 2)[6, 10]
    assert float(shown[2]) == pytest.approx(importance, rel=0.06)
    for _ in range(2):
        page.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowDown", modifiers=SHIFT)
    page.wait_for("location.hash.includes('cross=10%2C8')")


def test_zoom_and_place_are_those_of_all_views(visit):
    page = visit("slice=slice-0&outline=0&zoom=2&x=0.25&y=0.75&top=100&opacity=0")

    whole = SHAPE[1] // 2, SHAPE[0] // 2
    shown = [pixels_of(page, view, *whole) for view in ("slice", "smoothgrad_squared")]
    np.testing.assert_array_equal(*shown)
    visit("slice=slice-0&outline=0")
    part = pixels_of(page, "slice")[SHAPE[0] // 2 :, : SHAPE[1] // 2]
    np.testing.assert_array_equal(part, shown[0])
    press(page, "+")
    page.wait_for("location.hash.includes('zoom=2')")
    page.evaluate("document.getElementById('zoom-reset').click()")
    page.wait_for("!location.hash.includes('zoom')")


@pytest.mark.parametrize("top", [10, 50])
def test_over_the_slice_lie_the_strongest_pixels(visit, top):
    state = (
        f"slice=slice-0&outline=0&fade=0&opacity=100&top={top}&estimator=integrated_gradients_bw"
    )
    page = visit(state)

    slice_itself = pixels_of(page, "slice")
    covered = (pixels_of(page, "integrated_gradients_bw") != slice_itself).any(2)
    strength = np.abs(importance_of("integrated_gradients_bw", 0))
    assert covered.mean() == pytest.approx(top / 100, abs=0.01)
    expected = strength >= np.quantile(strength, 1 - top / 100)
    assert (covered == expected).mean() > 0.98


def test_a_difference_is_that_of_both_maps_on_their_own_scales(visit):
    state = "slice=slice-0&outline=0&fade=0&opacity=100&top=100&variant=absolute&cross=3,4"
    page = visit(f"{state}&estimator=integrated_gradients_bw&minus=smoothgrad_squared")

    maps = [np.abs(importance_of(name, 0)) for name in ESTIMATORS]
    one, other = (values / np.percentile(values, 99.5) for values in maps)
    shown = float(text_of(page, "#readout").split("difference ")[1].replace("−", "-"))
    assert shown == pytest.approx((one - other)[4, 3], abs=0.03)
    visit(f"{state}&cross=&estimator=integrated_gradients_bw&minus=smoothgrad_squared")
    colours = pixels_of(page, "difference").astype(int)
    red_minus_blue, difference = colours[..., 0] - colours[..., 2], one - other
    strong = np.abs(difference) > 0.3
    assert (np.sign(red_minus_blue) == np.sign(difference))[strong].mean() > 0.99
    assert text_of(page, ".tile .title") == "CT slice"
    assert "Integrated Gradients (B&W) − SmoothGrad Squared" in text_of(page, "#stage")


def test_it_opens_on_an_annotated_slice_answered_correctly_with_the_leading_estimator(browser, url):
    browser.open(url)
    browser.wait_for(SHOWN)

    page = browser
    assert page.evaluate(SHOWN) == "slice-2"
    large = "[...document.querySelectorAll('.tile.large')].map((tile) => tile.dataset.name)"
    names = page.evaluate(large)
    assert names[0] == "slice"
    assert page.evaluate("document.querySelector('.tile.chosen').dataset.name") == names[1]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (390, 844)])
def test_the_first_picture_is_in_the_first_screenful(browser, url, width, height):
    browser.resize(width, height)
    browser.open(url)
    browser.wait_for(SHOWN)

    bottom = "document.querySelector('canvas.view').getBoundingClientRect().bottom"
    assert browser.evaluate(bottom) <= height


def test_maps_are_chosen_enlarged_and_ordered_by_their_score(run, visit):
    page = visit("slice=slice-0&variant=absolute&metric=roc&arrange=best&large=")

    tiles = "[...document.querySelectorAll('.tile')].map((tile) => tile.dataset.name)"
    sources, *_ = run
    best = sorted(ESTIMATORS, key=lambda name: -auc_of(sources.points["roc"][name], "slice-0"))
    assert page.evaluate(tiles) == ["slice", *best]
    press(page, "e")
    chosen = page.evaluate("document.querySelector('.tile.chosen').dataset.name")
    assert page.evaluate(tiles)[0] == chosen
    visit("slice=slice-0&shown=smoothgrad_squared&estimator=smoothgrad_squared")
    assert page.evaluate(tiles) == ["slice", "smoothgrad_squared"]
    visit("slice=slice-0&shown=&estimator=smoothgrad_squared")
    assert page.evaluate(tiles) == ["slice", "smoothgrad_squared"]  # the chosen one always is


def auc_of(path, slice_id):
    rows = pd.read_parquet(path)
    one = rows[(rows.slice_id == slice_id) & (rows.variant == "absolute")]
    return np.trapezoid(one.tpr, one.fpr)


def test_a_new_order_of_slices_begins_with_its_first(visit):
    page = visit("slice=slice-1")

    page.evaluate(
        """(() => {
          const field = document.getElementById("sort");
          field.value = "roc-best";
          field.dispatchEvent(new Event("change"));
        })()"""
    )
    page.wait_for(SHOWN)
    assert text_of(page, "#position") == "1 of 4"


def test_slices_are_listed_from_the_feet_to_the_head(visit):
    page = visit("slice=slice-0")

    page.wait_for("document.documentElement.dataset.surveyed")
    strip = "[...document.querySelectorAll('#series button')].map((it) => it.textContent)"
    assert page.evaluate(strip) == ["−12.5 mm", "7.5 mm"]
    assert "7.5 mm, 2 of 2 here" in text_of(page, "#facts")
    page.evaluate("document.querySelector('#series button').click()")
    page.wait_for(f"{SHOWN} === 'slice-2'")


def test_thumbnails_and_points_lead_to_their_slices(visit):
    page = visit("slice=slice-0&metric=fidelity&against=roc")
    page.evaluate("document.getElementById('overview').open = true")

    page.wait_for("document.querySelectorAll('#gallery button').length === 4")
    points = "[...document.querySelectorAll('#scatter .point')]"
    assert page.wait_for(f"{points}.length") == 2  # of the slices with masks
    page.evaluate(
        f"{points}.find((it) => !it.matches('.chosen')).dispatchEvent(new Event('click'))"
    )
    page.wait_for(f"{SHOWN} === 'slice-2'")
    page.evaluate("document.querySelectorAll('#gallery button')[3].click()")
    page.wait_for(f"{SHOWN} === 'slice-3'")


def test_the_picture_saved_shows_the_tiles_and_the_drawing_the_curves(visit):
    page = visit("slice=slice-0&outline=0")
    page.evaluate(
        """(() => {
          window.saved = [];
          URL.createObjectURL = (blob) => { window.saved.push(blob); return "data:,"; };
          HTMLAnchorElement.prototype.click = function () { window.names = this.download; };
        })()"""
    )

    def saved(button, number):
        page.evaluate(f"document.getElementById('{button}').click()")
        page.wait_for(f"window.saved.length === {number}")
        name = page.evaluate("window.names")
        reading = f"window.saved[{number - 1}].arrayBuffer()"
        return name, bytes(page.evaluate(f"{reading}.then((it) => [...new Uint8Array(it)])"))

    name, data = saved("save-picture", 1)
    assert name == "small_slice-0.png"
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    left, top, width, height = page.evaluate(
        """(() => {
          const stage = document.getElementById("stage").getBoundingClientRect();
          const box = document.querySelector("canvas[data-view=slice]").getBoundingClientRect();
          return [box.left - stage.left, box.top - stage.top, box.width, box.height];
        })()"""
    )
    rows = (2 * (top + height * (np.arange(SHAPE[0]) + 0.5) / SHAPE[0])).astype(int)
    columns = (2 * (left + width * (np.arange(SHAPE[1]) + 0.5) / SHAPE[1])).astype(int)
    np.testing.assert_allclose(image[np.ix_(rows, columns)], pixels_of(page, "slice"), atol=2)
    name, data = saved("save-curves", 2)
    assert name == "small_slice-0.svg"
    lines = ElementTree.fromstring(data).findall(".//{*}polyline")
    assert len(lines) == 2 * len(ESTIMATORS)
    assert all(line.get("stroke").startswith("rgb") for line in lines)
