"""The explorer's page of a run with very many estimators."""

from dataclasses import replace

import pytest

from ct_importance.report.names import display_name
from tests.report.explorer.looking import SHOWN, point_of, text_of
from tests.report.explorer.small_run import ESTIMATORS, build_page

NAMES = [
    *("attention_rollout", "backpropagation", "blur_ig", "centre", "deconvolution", "deeplift"),
    *("eigen_cam", "expected_gradients", "fullgrad", "grad_cam", "grad_cam_plus_plus", "guided_ig"),
    *("hires_cam", "kernel_shap", "layer_cam", "lime", "lrp", "mean_mask", "occlusion", "random"),
    *("rise", "score_cam", "segment_ablation", "smoothgrad", "smoothgrad_squared", "sobel_edges"),
    *("input_x_gradient", "guided_backprop", "guided_grad_cam", "gradient_attention", "xgrad_cam"),
    *("integrated_gradients", "integrated_gradients_bw", "xrai", "precomputed", "captum"),
]
TILES = "[...document.querySelectorAll('.tile')].map((tile) => tile.dataset.name)"
CHOSEN = "document.querySelector('#estimators .chosen th').textContent"


def of_each(tables):
    """Tables of two estimators as those of all, in turn."""
    return {name: tables[ESTIMATORS[place % 2]] for place, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def url(run, tmp_path_factory):
    sources, *_ = run
    points = {metric: of_each(tables) for metric, tables in sources.points.items()}
    many = replace(sources, maps=of_each(sources.maps), points=points)
    return build_page(tmp_path_factory.mktemp("many") / "explorer.html", many).as_uri()


def choose(page, name, value):
    page.evaluate(
        f"""(() => {{
          const field = document.getElementById("{name}");
          field.value = "{value}";
          for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind));
        }})()"""
    )
    page.wait_for(SHOWN)


def test_an_estimator_that_is_not_shown_is_found_in_the_list_and_then_shown(visit):
    page = visit("slice=slice-0", estimator="lime")
    assert "xrai" not in page.evaluate(TILES)

    choose(page, "find", "  XRA")
    visible = "[...document.querySelectorAll('#shown label')].filter((it) => !it.hidden)"
    assert page.evaluate(f"{visible}.map((it) => it.textContent.trim())") == ["XRAI"]
    choose(page, "estimator", "xrai")
    assert "xrai" in page.evaluate(TILES)
    assert page.evaluate(CHOSEN) == "XRAI"


def test_letters_typed_to_find_an_estimator_are_no_keys_of_the_page(visit):
    page = visit("slice=slice-0&variant=original", estimator="lime")

    page.evaluate("document.getElementById('find').focus()")
    for key in ("v", "m", "ArrowRight"):
        page.press(key)
    assert page.evaluate("document.getElementById('find').value") == "vm"
    assert page.evaluate("document.querySelector('[name=variant]:checked').value") == "original"
    assert page.evaluate(SHOWN) == "slice-0"


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_the_table_scrolls_in_itself_to_the_chosen_estimator(visit, width):
    page = visit("slice=slice-0", width, estimator="xrai")

    inside = """(() => {
      const [row, head, holder] = ["#estimators .chosen", "#estimators thead", ".wide"].map(
        (selector) => document.querySelector(selector).getBoundingClientRect());
      const seen = row.top >= head.bottom - 1 && row.bottom <= holder.bottom + 1;
      return [holder.height <= 0.75 * innerHeight, seen];
    })()"""
    assert page.evaluate(inside) == [True, True]
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_heading_of_the_table_puts_the_best_first_there_and_side_by_side(visit):
    page = visit("slice=slice-0&shown=lime,rise,lrp", estimator="lrp")

    button = "document.querySelector('[data-metric=roc] button')"
    page.evaluate(f"{button}.focus()")
    page.press("Enter")
    page.wait_for("document.querySelector('[data-metric=roc]').ariaSort === 'descending'")
    scores = page.evaluate(
        "[...document.querySelectorAll('#estimators tbody tr td:nth-of-type(2)')]"
        ".map((cell) => Number(cell.textContent.replace('−', '-')))"
    )
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 2
    titles = page.evaluate(
        "[...document.querySelectorAll('#estimators tbody th')].map((it) => it.textContent)"
    )
    shown = [name for name in page.evaluate(TILES) if name not in ("slice", "lrp")]
    shown = [display_name(name) for name in shown]
    assert shown == [title for title in titles if title in shown]
    assert page.evaluate(f"document.activeElement === {button}")
    page.press("Enter")
    page.wait_for("!document.querySelector('[data-metric=roc]').ariaSort")


def test_of_the_curves_of_all_only_the_chosen_and_enlarged_ones_are_coloured(visit):
    page = visit("slice=slice-0&large=slice,rise,lime", estimator="lime")

    lines = "[...document.querySelectorAll('#together polyline')]"
    assert page.evaluate(f"{lines}.length") == len(NAMES)
    colours = page.evaluate(f"{lines}.map((line) => getComputedStyle(line).stroke)")
    assert len(set(colours)) == 3
    assert len(set(colours[:-2])) == 1  # the grey ones lie below
    key = text_of(page, "#together .key")
    assert key.startswith("LIMERISEall others")
    page.evaluate(f"{lines}[0].dispatchEvent(new Event('click'))")
    page.wait_for(f"{SHOWN}")
    assert page.evaluate(CHOSEN) != "LIME"


def test_a_row_of_the_table_chooses_its_estimator(visit):
    page = visit("slice=slice-0", estimator="lime")

    x, y = point_of(page, "#estimators .chosen + tr")
    page.evaluate("document.querySelector('.wide').scrollIntoView({ block: 'center' })")
    x, y = point_of(page, "#estimators .chosen + tr")
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    page.wait_for(f"{CHOSEN} !== 'LIME'")
