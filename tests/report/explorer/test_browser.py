"""The explorer's page in a browser: what it shows, and how it is used."""

import json
import re

import numpy as np
import pytest

from ct_importance.metrics.catalogue.localisation.dice import dice_curve
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.task import Task
from tests.report.explorer.chromium import PROGRAM, chromium
from tests.report.explorer.small_run import (
    SHAPE,
    build_page,
    importance_of,
    make_run,
    of_three_classes,
)

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="needs Chromium: apt install chromium (Debian's package)"
)
SHOWN = "document.documentElement.dataset.shown"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(autouse=True)
def _forget_earlier_pages(browser):
    browser.complaints.clear()
    browser.requests.clear()
    browser.call("Emulation.setEmulatedMedia", features=[])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def url(run, tmp_path_factory):
    return build_page(tmp_path_factory.mktemp("page") / "explorer.html", run[0]).as_uri()


@pytest.fixture
def visit(browser, url):
    """Return a function that opens the page in a state; afterwards it must not have complained."""

    def open_page(state="", width=1280):
        browser.resize(width, 900)
        browser.open(f"{url}#{state}")
        browser.wait_for(SHOWN)
        return browser

    yield open_page
    assert browser.complaints == []
    assert {address.split("#")[0] for address in browser.requests} <= {url, "about:blank", "data:,"}


def text_of(page, selector):
    return page.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")


def pixels_of(page, panel, width=SHAPE[1], height=SHAPE[0]):
    """Return the colours (H, W, 3) of a panel, a pixel of the slice each."""
    data = page.evaluate(
        f"""(() => {{
          const canvas = document.querySelector("#{panel} canvas");
          const small = new OffscreenCanvas({width}, {height}).getContext("2d");
          small.imageSmoothingEnabled = false;
          small.drawImage(canvas, 0, 0, {width}, {height});
          return [...small.getImageData(0, 0, {width}, {height}).data];
        }})()"""
    )
    return np.array(data).reshape(height, width, 4)[..., :3]


def press(page, key):
    page.press(key)
    page.wait_for(SHOWN)


def test_slice_and_mask_are_shown_as_they_are(run, visit):
    _, subjects, _ = run
    page = visit("slice=slice-2&outline=0")

    shown = pixels_of(page, "slice-panel")[..., 0]
    assert np.abs(shown / 255 - subjects[2].image).max() < 1 / 255
    np.testing.assert_array_equal(pixels_of(page, "mask-panel")[..., 0] == 255, subjects[2].mask)


@pytest.mark.parametrize("variant", ["original", "absolute"])
@pytest.mark.parametrize("order", ["mif", "lif"])
def test_masking_follows_importance(run, visit, variant, order):
    _, subjects, _ = run
    state = f"slice=slice-0&variant={variant}&order={order}&fraction=0.25&outline=0"
    page = visit(state)

    shown = pixels_of(page, "masked-panel")[..., 0]
    importance = importance_of("integrated_gradients_bw", 0)
    importance = np.abs(importance) if variant == "absolute" else importance
    count = importance.size // 4
    ascending = np.argsort(importance, axis=None)
    expected = np.zeros(importance.size, bool)
    expected[ascending[-count:] if order == "mif" else ascending[:count]] = True
    masked = shown == 255  # no contrast: masked in white
    masked &= np.rint(subjects[0].image * 255) < 255
    agreement = (masked.ravel() == expected).mean()
    assert agreement > 0.98
    assert masked.sum() == pytest.approx(count, abs=2)


@pytest.mark.parametrize("percentage", [2, 5, 20, 100])
def test_the_regions_shown_are_those_of_the_metric(run, visit, percentage):
    _, subjects, segments = run
    page = visit(f"slice=slice-0&percentage={percentage}&outline=0")

    regions = xrai_regions(importance_of("integrated_gradients_bw", 0), segments["slice-0"])
    dsc, share = dice_curve(regions, subjects[0].mask, np.array([percentage]))
    shown = regions.heat >= np.percentile(regions.heat, 100 - percentage)
    visible = pixels_of(page, "regions-panel")[..., 0] > 0
    bright = subjects[0].image > 0.01
    np.testing.assert_array_equal(visible[bright], shown[bright])
    text = text_of(page, "#regions-panel .reading")
    assert text == f"Shown whole: {_short(share[0])} % · DSC {dsc[0]:.3f}"


def _short(value):
    return f"{round(value, 2 if value < 1 else 1):g}"


def test_importance_of_regions_has_a_scale_of_its_own(run, visit):
    _, _, segments = run
    page = visit("slice=slice-0&heat=1&outline=0&variant=absolute")

    heat = xrai_regions(
        np.abs(importance_of("integrated_gradients_bw", 0)), segments["slice-0"]
    ).heat
    brightness = pixels_of(page, "regions-panel").sum(2)
    assert np.corrcoef(brightness.ravel(), heat.ravel())[0, 1] > 0.9
    end = text_of(page, "#regions-panel .ticks span:last-child")
    assert float(end.removeprefix("≥ ")) == pytest.approx(heat.max(), rel=0.05)


def test_colours_are_symmetric_around_zero_and_one_scale_serves_both_variants(visit):
    page = visit("slice=slice-0&outline=0")

    original = pixels_of(page, "original-panel").astype(int)
    importance = importance_of("integrated_gradients_bw", 0)
    strong = np.abs(importance) > 1
    red_minus_blue = original[..., 0] - original[..., 2]
    assert (np.sign(red_minus_blue) == np.sign(importance))[strong].all()
    brightness = pixels_of(page, "absolute-panel").sum(2)
    assert np.corrcoef(brightness.ravel(), np.abs(importance).ravel())[0, 1] > 0.95
    ends = page.evaluate(
        "[...document.querySelectorAll('.ticks')].map((ticks) => ticks.lastChild.textContent)"
    )
    assert ends[0] == ends[1] != ""


def test_the_model_answers_are_those_of_the_table(run, visit):
    import pandas as pd

    sources, *_ = run
    page = visit("slice=slice-3&fraction=0.5&order=lif&estimator=smoothgrad_squared")

    points = pd.read_parquet(sources.fidelity["smoothgrad_squared"])
    row = points[
        (points.slice_id == "slice-3")
        & (points.variant == "original")
        & (points.order == "lif")
        & (points.fraction == 0.5)
    ].iloc[0]
    text = text_of(page, "#masked-panel .reading").replace("−", "-")
    assert f"logit {row.logit:.2f}" in text
    assert text.endswith("correct" if row.correct else "wrong")
    wrong = "document.querySelector('#masked-panel .reading').classList.contains('wrong')"
    assert page.evaluate(wrong) == (not row.correct)


def test_arrow_keys_step_through_slices_and_estimators(visit):
    page = visit("slice=slice-1")

    press(page, "ArrowRight")
    assert page.evaluate(SHOWN) == "slice-2"
    press(page, "End")
    assert page.evaluate(SHOWN) == "slice-3"
    press(page, "ArrowRight")
    assert page.evaluate(SHOWN) == "slice-3"
    press(page, "Home")
    assert text_of(page, "#position") == "1 of 4"
    press(page, "ArrowDown")
    assert "estimator=smoothgrad_squared" in page.evaluate("location.hash")
    press(page, "ArrowDown")
    assert "estimator" not in page.evaluate("location.hash")


def test_letters_change_what_is_shown_unless_switched_off(visit):
    page = visit("slice=slice-0")

    press(page, "v")
    assert "variant=absolute" in page.evaluate("location.hash")
    press(page, "]")
    assert "fraction=0.25" in page.evaluate("location.hash")
    page.evaluate("document.getElementById('letters').checked = false")
    press(page, "v")
    assert "variant=absolute" in page.evaluate("location.hash")
    press(page, "ArrowRight")
    assert page.evaluate(SHOWN) == "slice-1"


def test_arrow_keys_move_a_slider_that_has_the_focus(visit):
    page = visit("slice=slice-0")
    page.evaluate("document.getElementById('fraction').focus()")

    page.call(
        "Input.dispatchKeyEvent", type="rawKeyDown", key="ArrowRight", windowsVirtualKeyCode=39
    )
    page.wait_for("location.hash.includes('fraction=0.25')")
    page.wait_for(SHOWN)
    assert page.evaluate(SHOWN) == "slice-0"
    valuetext = "document.getElementById('fraction').getAttribute('aria-valuetext')"
    assert page.evaluate(valuetext).startswith("25 % masked, ")


@pytest.mark.parametrize(
    ("state", "listed"),
    [
        ("label=1", ["slice-2", "slice-3"]),
        ("patient=patient-1", ["slice-1", "slice-3"]),
        ("answer=wrong", ["slice-1", "slice-3"]),
        ("label=0&answer=correct", ["slice-0"]),
        ("label=0&patient=nobody", ["slice-0", "slice-1"]),
    ],
)
def test_slices_are_chosen_by_label_patient_and_answer(visit, state, listed):
    page = visit(state)

    ids = "[...document.getElementById('slice').options].map((option) => option.value)"
    assert page.evaluate(ids) == listed


def test_slices_are_ordered_by_a_score_those_without_it_last(run, visit):
    import pandas as pd

    sources, *_ = run
    roc = pd.read_parquet(sources.roc["integrated_gradients_bw"])
    auc = roc[roc.variant == "absolute"].groupby("slice_id")["auc_exact"].first().sort_values()
    ids = "[...document.getElementById('slice').options].map((option) => option.value)"

    page = visit("variant=absolute&sort=auc-best")
    assert page.evaluate(ids) == [*auc.index[::-1], "slice-1", "slice-3"]
    page = visit("variant=absolute&sort=auc-worst")
    assert page.evaluate(ids) == [*auc.index, "slice-1", "slice-3"]


def test_a_choice_that_no_slice_fits_says_so_and_can_be_undone(visit):
    page = visit()

    page.evaluate(
        """(() => {
          for (const [name, value] of [["patient", "patient-0"], ["answer", "wrong"]]) {
            const field = document.getElementById(name);
            field.value = value;
            field.dispatchEvent(new Event("change"));
          }
        })()"""
    )
    page.wait_for(SHOWN)
    assert not page.evaluate("document.getElementById('nothing').hidden")
    assert text_of(page, "#live") == "No slice fits this choice."
    page.evaluate("document.getElementById('reset').click()")
    page.wait_for(SHOWN)
    assert text_of(page, "#position").endswith("of 4")


def test_a_slice_without_mask_keeps_its_panels_in_place(visit):
    page = visit("slice=slice-1")

    absent = "[...document.querySelectorAll('figure.absent')].map((figure) => figure.id)"
    assert page.evaluate(absent) == ["mask-panel", "regions-panel"]
    assert text_of(page, "#estimators tbody tr td") == "–"


def test_a_run_without_masks_shows_what_there_is(browser, tmp_path):
    sources, *_ = make_run(tmp_path, ["fidelity"], masks=False)
    browser.open(build_page(tmp_path / "page.html", sources).as_uri())
    browser.wait_for(SHOWN)

    hidden = "[...document.querySelectorAll('figure[hidden]')].map((figure) => figure.id)"
    assert browser.evaluate(hidden) == ["mask-panel", "regions-panel"]
    assert text_of(browser, "#estimators thead") == "EstimatorF × 10"
    assert browser.complaints == []


def test_a_run_without_fidelity_shows_what_there_is(browser, tmp_path):
    sources, *_ = make_run(tmp_path, ["roc", "dice"])
    browser.open(f"{build_page(tmp_path / 'page.html', sources).as_uri()}#slice=slice-0")
    browser.wait_for(SHOWN)

    hidden = "[...document.querySelectorAll('figure[hidden]')].map((figure) => figure.id)"
    assert browser.evaluate(hidden) == ["masked-panel"]
    assert text_of(browser, "#estimators thead") == "EstimatorAUCmax DSCat"
    assert browser.complaints == []


def test_classes_are_called_and_masked_as_the_task_has_it(browser, run, tmp_path):
    task = Task(classes=("healthy", "lesion"), fill=(0.4, 0.0))
    page = build_page(tmp_path / "page.html", run[0], task=task)
    browser.open(f"{page.as_uri()}#slice=slice-0&fraction=1&outline=0")
    browser.wait_for(SHOWN)

    assert text_of(browser, "#label").split() == ["all", "healthylesion"]
    assert "healthy (probability of lesion 0." in text_of(browser, "#facts")
    assert "above 0 the answer is lesion" in text_of(browser, "#curve")
    assert (pixels_of(browser, "masked-panel") == 102).all()
    label = "document.querySelector('#masked-panel canvas').ariaLabel"
    assert "important pixels in grey. Answer" in browser.evaluate(label)
    assert "contrast" not in browser.evaluate("document.body.innerText").lower()
    assert browser.complaints == []


def test_what_is_masked_in_the_mean_of_the_slice(browser, run, tmp_path):
    task = Task(classes=("healthy", "lesion"), fill=("mean", "mean"))
    page = build_page(tmp_path / "page.html", run[0], task=task)
    browser.open(f"{page.as_uri()}#slice=slice-0&fraction=1&outline=0")
    browser.wait_for(SHOWN)

    shown = pixels_of(browser, "slice-panel")[..., :3].mean()
    assert (pixels_of(browser, "masked-panel") == round(shown)).all()
    assert browser.complaints == []


def test_of_three_classes_a_curve_is_of_the_slices_own(browser, run, tmp_path):
    task = Task(classes=("native", "arterial", "venous"), fill=(1.0, 0.0, 0.0))
    page = build_page(tmp_path / "page.html", of_three_classes(run[0], tmp_path), task=task)
    browser.open(f"{page.as_uri()}#slice=slice-2&fraction=1")
    browser.wait_for(SHOWN)

    assert "arterial (probability 0.125): correct" in text_of(browser, "#facts")
    assert "margin; above 0 the answer is arterial" in text_of(browser, "#curve")
    label = browser.evaluate("document.querySelector('#masked-panel canvas').ariaLabel")
    assert re.search(r"Answer: (not )?arterial \(margin .*\): (correct|wrong)", label)
    browser.open(f"{page.as_uri()}#slice=slice-1")
    browser.wait_for(SHOWN)
    assert "venous (probability 0.775): wrong" in text_of(browser, "#facts")
    assert browser.complaints == []


@pytest.mark.parametrize("width", [390, 1280])
def test_a_screen_reader_is_told_what_is_shown(visit, width):
    page = visit("slice=slice-0", width)

    spoken = text_of(page, "#live")
    assert spoken.startswith("Slice 1 of 4, patient patient-0, no contrast, answer correct. ")
    assert "Integrated Gradients (B&W), original, AUC 0." in spoken
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
