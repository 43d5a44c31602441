"""The explorer's page in a browser: what it shows, and how it is used."""

import re

import numpy as np
import pandas as pd
import pytest

from ct_importance.metrics.catalogue.localisation.dice import dice_curve
from ct_importance.saliency.xrai.regions import xrai_regions
from ct_importance.task import Task
from tests.report.explorer.looking import SHOWN, pixels_of, press, text_of
from tests.report.explorer.small_run import (
    build_page,
    importance_of,
    make_run,
    of_three_classes,
)


def test_a_slice_is_shown_as_it_is(run, visit):
    _, subjects, _ = run
    page = visit("slice=slice-2&outline=0")

    shown = pixels_of(page, "slice")[..., 0]
    assert np.abs(shown / 255 - subjects[2].image).max() < 1.5 / 255


@pytest.mark.parametrize("variant", ["original", "absolute"])
@pytest.mark.parametrize("order", ["mif", "lif"])
def test_masking_follows_importance(run, visit, variant, order):
    _, subjects, _ = run
    state = f"slice=slice-0&variant={variant}&order={order}&fraction=0.25&outline=0"
    page = visit(state)

    shown = pixels_of(page, "masked")[..., 0]
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
    visible = pixels_of(page, "regions")[..., 0] > 0
    bright = subjects[0].image > 0.01
    np.testing.assert_array_equal(visible[bright], shown[bright])
    text = text_of(page, "#regions-panel .reading")
    assert text.startswith(f"Shown whole: {_short(share[0])} % · DSC {dsc[0]:.3f} · highest ")


def _short(value):
    return f"{round(value, 2 if value < 1 else 1):g}"


def test_importance_of_regions_has_a_scale_of_its_own(run, visit):
    _, _, segments = run
    page = visit("slice=slice-0&heat=1&outline=0&variant=absolute")

    heat = xrai_regions(
        np.abs(importance_of("integrated_gradients_bw", 0)), segments["slice-0"]
    ).heat
    brightness = pixels_of(page, "regions").sum(2)
    assert np.corrcoef(brightness.ravel(), heat.ravel())[0, 1] > 0.9
    end = text_of(page, "#regions-panel .ticks span:last-child")
    assert float(end.removeprefix("≥ ")) == pytest.approx(heat.max(), rel=0.05)


def test_colours_are_symmetric_around_zero_and_one_scale_serves_both_variants(visit):
    state = "slice=slice-0&outline=0&fade=0&opacity=100&top=100"
    page = visit(state)

    importance = importance_of("integrated_gradients_bw", 0)
    original = pixels_of(page, "integrated_gradients_bw").astype(int)
    strong = np.abs(importance) > 1
    red_minus_blue = original[..., 0] - original[..., 2]
    assert (np.sign(red_minus_blue) == np.sign(importance))[strong].all()
    end = text_of(page, "#map-scale .ticks span:last-child")
    visit(f"{state}&variant=absolute")
    brightness = pixels_of(page, "integrated_gradients_bw").sum(2)
    assert np.corrcoef(brightness.ravel(), np.abs(importance).ravel())[0, 1] > 0.95
    assert text_of(page, "#map-scale .ticks span:last-child") == end != ""


def test_the_model_answers_are_those_of_the_table(run, visit):
    sources, *_ = run
    page = visit("slice=slice-3&fraction=0.5&order=lif&estimator=smoothgrad_squared")

    points = pd.read_parquet(sources.points["fidelity"]["smoothgrad_squared"])
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
    page = visit("slice=slice-2")

    press(page, "ArrowRight")
    assert page.evaluate(SHOWN) == "slice-0"
    press(page, "End")
    assert page.evaluate(SHOWN) == "slice-3"
    press(page, "ArrowRight")
    assert page.evaluate(SHOWN) == "slice-3"
    press(page, "Home")
    assert text_of(page, "#position") == "1 of 4"
    page.wait_for("location.hash.includes('estimator=integrated_gradients_bw')")
    press(page, "ArrowDown")
    # A link names the estimator only where it is not the one that the page opens on.
    page.wait_for("!location.hash.includes('estimator=')")
    press(page, "ArrowUp")
    page.wait_for("location.hash.includes('estimator=integrated_gradients_bw')")


def test_letters_change_what_is_shown_unless_switched_off(visit):
    page = visit("slice=slice-0")

    press(page, "v")
    page.wait_for("location.hash.includes('variant=absolute')")
    press(page, "]")
    page.wait_for("location.hash.includes('fraction=0.25')")
    page.evaluate("document.getElementById('letters').checked = false")
    press(page, "v")
    assert page.evaluate("document.querySelector('[name=variant]:checked').value") == "absolute"
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
    sources, *_ = run
    roc = pd.read_parquet(sources.points["roc"]["integrated_gradients_bw"])
    auc = {
        slice_id: np.trapezoid(rows.tpr, rows.fpr)
        for slice_id, rows in roc[roc.variant == "absolute"].groupby("slice_id")
    }
    best = sorted(auc, key=auc.__getitem__, reverse=True)
    ids = "[...document.getElementById('slice').options].map((option) => option.value)"

    page = visit("variant=absolute&sort=roc-best")
    assert page.evaluate(ids) == [*best, "slice-1", "slice-3"]
    page = visit("variant=absolute&sort=roc-worst")
    assert page.evaluate(ids) == [*best[::-1], "slice-1", "slice-3"]


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
    assert page.evaluate(absent) == ["regions-panel"]
    assert text_of(page, "#estimators tbody tr td:nth-of-type(2)") == "–"


def test_a_run_without_masks_shows_what_there_is(browser, tmp_path):
    sources, *_ = make_run(tmp_path, ["fidelity"], masks=False)
    browser.open(build_page(tmp_path / "page.html", sources).as_uri())
    browser.wait_for(SHOWN)

    hidden = "[...document.querySelectorAll('figure[hidden]')].map((figure) => figure.id)"
    assert browser.evaluate(hidden) == ["regions-panel"]
    assert text_of(browser, "#estimators thead") == "EstimatorFidelity ↑F × 10"
    assert browser.complaints == []


def test_a_run_without_fidelity_shows_what_there_is(browser, tmp_path):
    sources, *_ = make_run(tmp_path, ["roc", "dice"])
    browser.open(f"{build_page(tmp_path / 'page.html', sources).as_uri()}#slice=slice-0")
    browser.wait_for(SHOWN)

    hidden = "[...document.querySelectorAll('figure[hidden]')].map((figure) => figure.id)"
    assert browser.evaluate(hidden) == ["masked-panel"]
    assert text_of(browser, "#estimators thead") == "EstimatorROC ↑AUCDice ↑max DSC"
    assert browser.complaints == []


def test_a_run_without_curves_and_regions_has_no_empty_part(browser, tmp_path):
    sources, *_ = make_run(tmp_path, ["roc"])
    browser.open(f"{build_page(tmp_path / 'page.html', sources).as_uri()}#slice=slice-0")
    browser.wait_for(SHOWN)

    assert browser.evaluate("document.getElementById('chosen-part').hidden")
    assert not browser.evaluate("document.getElementById('table-section').hidden")
    assert browser.complaints == []


def test_classes_are_called_and_masked_as_the_task_has_it(browser, run, tmp_path):
    task = Task(classes=("healthy", "lesion"), fill=(0.4, 0.0))
    page = build_page(tmp_path / "page.html", run[0], task=task)
    browser.open(f"{page.as_uri()}#slice=slice-0&fraction=1&outline=0")
    browser.wait_for(SHOWN)

    assert text_of(browser, "#label").split() == ["allhealthylesion"]
    assert "healthy (probability of lesion 0." in text_of(browser, "#facts")
    assert "above 0 the answer is lesion" in text_of(browser, "#curve")
    assert (pixels_of(browser, "masked") == 102).all()
    label = "document.querySelector('#masked-panel canvas').ariaLabel"
    assert "important pixels in grey. Answer" in browser.evaluate(label)
    assert "contrast" not in browser.evaluate("document.body.innerText").lower()
    assert browser.complaints == []


def test_what_is_masked_in_the_mean_of_the_slice(browser, run, tmp_path):
    task = Task(classes=("healthy", "lesion"), fill=("mean", "mean"))
    page = build_page(tmp_path / "page.html", run[0], task=task)
    browser.open(f"{page.as_uri()}#slice=slice-0&fraction=1&outline=0")
    browser.wait_for(SHOWN)

    shown = pixels_of(browser, "slice")[..., :3].mean()
    assert (pixels_of(browser, "masked") == round(shown)).all()
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
