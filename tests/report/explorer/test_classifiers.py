"""The explorer's page of several classifiers."""

import numpy as np
import pytest

from tests.report.explorer.looking import SHOWN, press, text_of
from tests.report.explorer.small_run import (
    ESTIMATORS,
    build_page,
    importance_of,
    of_two_classifiers,
)

TILES = "[...document.querySelectorAll('.tile')].map((tile) => tile.dataset.name)"
ONE, OTHER = ESTIMATORS


@pytest.fixture(scope="module")
def url(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    sources = of_two_classifiers(run[0], folder)
    page = build_page(folder / "explorer.html", sources, classifiers=("a", "b"), controls=(OTHER,))
    return page.as_uri()


def test_maps_of_an_estimator_stand_side_by_side_and_one_is_subtracted(browser, url):
    browser.open(url)
    browser.wait_for(SHOWN)

    tiles = browser.evaluate(TILES)
    assert tiles[:2] == ["slice", "difference"]
    assert {f"{ONE}/a", f"{ONE}/b", f"{OTHER}/a", f"{OTHER}/b"} == set(tiles[2:])
    leader = browser.evaluate("document.querySelector('.tile.chosen').dataset.name")
    assert leader.startswith(ONE)  # the other one is a control
    large = browser.evaluate(
        "[...document.querySelectorAll('.large')].map((it) => it.dataset.name)"
    )
    assert large == ["slice", "difference", leader]
    # All classifiers answer it correctly.
    assert browser.evaluate(SHOWN) == "slice-2"
    assert browser.complaints == []


def test_the_difference_is_that_of_both_classifiers_on_their_own_scales(visit):
    page = visit(
        f"slice=slice-2&estimator={ONE}/a&minus=of:b&variant=absolute&cross=3,4&top=100",
    )

    maps = [np.abs(importance_of(name, 2)) for name in (ONE, OTHER)]  # b has those of the other
    one, other = (values / np.percentile(values, 99.5) for values in maps)
    shown = float(text_of(page, "#readout").split("difference ")[1].replace("−", "-"))
    assert shown == pytest.approx((one - other)[4, 3], abs=0.05)
    title = "[data-name=difference] .title"
    first = text_of(page, title)
    assert first == "Integrated Gradients (B&W) of a − Integrated Gradients (B&W) of b"
    for _ in range(2):
        press(page, "ArrowDown")
    assert text_of(page, title) == "SmoothGrad Squared of a † − SmoothGrad Squared of b †"
    press(page, "ArrowDown")
    # That of b itself: there is nothing to subtract.
    assert "difference" not in page.evaluate(TILES)


def test_each_classifier_has_its_answer(visit):
    page = visit(f"slice=slice-1&estimator={ONE}/b")

    facts = text_of(page, "#facts")
    assert "Answer of acontrast (probability of contrast 0.881, logit 2.00): wrong" in facts
    assert "Answer of bno contrast (probability of contrast 0.119, logit −2.00): correct" in facts
    assert "answer correct" in text_of(page, "#live")
    press(page, "ArrowUp")
    assert "answer wrong" in text_of(page, "#live")


def test_slices_on_which_classifiers_differ_can_be_chosen(visit):
    page = visit(f"slice=slice-2&estimator={ONE}/a&answer=differ")

    ids = "[...document.getElementById('slice').options].map((option) => option.value)"
    assert sorted(page.evaluate(ids)) == ["slice-0", "slice-1"]


def test_nothing_can_be_subtracted_and_the_address_keeps_that(visit):
    page = visit(f"slice=slice-2&estimator={ONE}/a&minus=")

    assert "difference" not in page.evaluate(TILES)
    press(page, "v")
    page.wait_for("location.hash.includes('minus=')")
