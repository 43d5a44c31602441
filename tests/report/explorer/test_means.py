"""Mean maps of each class: a sign at the same place of each body is seen in them."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from ct_importance.io.image_table import image_field, write_table
from ct_importance.report.explorer import means
from ct_importance.report.explorer.means import chosen_for_means, class_means, registered
from ct_importance.report.explorer.registration import (
    Box,
    Frame,
    body_box,
    common_frame,
    into_frame,
)
from ct_importance.report.explorer.slices import Material
from tests.report.explorer.looking import SHOWN, text_of
from tests.report.explorer.small_run import SHAPE, build_page, importance_of

WINDOW = (-1000.0, 400.0)
SIDE = 96
MARKER = (0.12, 0.2, 0.08)
"""Upper edge, left edge and side, in shares of the box around the body."""


def body(top, left, height, width):
    """A slice with a body and, apart from it, a table."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    inside = ((rows - top - height / 2) / height) ** 2 + (
        (columns - left - width / 2) / width
    ) ** 2 < 0.25
    image = np.where(inside, 0.75, 0.0).astype("f4")
    image[SIDE - 4 : SIDE - 2, 10:-10] = 0.7
    return image


def square(box):
    """Where the marker of a body lies, as rows and columns."""
    top, left, side = MARKER
    return tuple(
        slice(round(start + at * extent), round(start + (at + side) * extent))
        for start, at, extent in zip(box[:2], (top, left), box[2:], strict=True)
    )


def cohort(count=24):
    """Bodies of all sizes; those answered with class 1 have a marker that the map shows."""
    random = np.random.default_rng(0)
    for number in range(count):
        height, width = random.integers(40, 60), random.integers(50, 75)
        box = Box(random.integers(5, 25), random.integers(5, 15), height, width)
        image, answer = body(*box), number % 2
        sized = random.normal(size=(SIDE, SIDE)).astype("f4") * 10.0**number
        noise = random.normal(size=(SIDE, SIDE)).astype("f4")
        if answer:
            image[square(box)] = 1
            sized[square(box)] -= 4 * 10.0**number  # against the class, and of every size
        row = {"slice_id": str(number), "image": image, "mask": None}
        yield Material(row, {"looks": sized, "random": noise}, None), answer


def found_in_cohort():
    materials, answers = zip(*cohort(), strict=True)
    boxes = {it.row["slice_id"]: body_box(it.row["image"], WINDOW) for it in materials}
    frame = common_frame(boxes.values(), (SIDE, SIDE))
    return class_means((registered(it, boxes, frame) for it in materials), answers), frame


def test_the_box_is_that_of_the_body_without_its_table():
    box = body_box(body(20, 10, 50, 70), WINDOW)

    assert box == pytest.approx((20, 10, 50, 70), abs=1)
    assert body_box(np.zeros((SIDE, SIDE)), WINDOW) == (0, 0, SIDE, SIDE)


def test_a_body_comes_to_lie_where_bodies_lie():
    frame = Frame((64, 48), Box(10, 8, 40, 32))
    box = Box(20, 10, 50, 70)

    moved = into_frame(body(*box), box, frame)

    assert moved.shape == frame.shape
    assert body_box(np.nan_to_num(moved), WINDOW) == pytest.approx(frame.body, abs=2)
    outside = into_frame(np.ones((50, 70)), Box(0, 0, 50, 70), frame)
    assert np.isnan(outside[:8]).all()
    assert np.isfinite(outside[12:48, 10:38]).all()


def test_the_frame_is_as_large_as_bodies_are_and_no_larger_than_the_page_needs():
    frame = common_frame([Box(0, 0, 100, 200), Box(9, 9, 120, 240), Box(0, 0, 90, 210)], (256, 512))

    assert frame.shape == (64, 128)
    assert frame.body == pytest.approx((19.5, 37.75, 25, 52.5))


def test_the_highest_mean_lies_in_the_marker_whatever_the_size_of_importance():
    found, frame = found_in_cohort()

    mean = found[1]["means"]["looks absolute"]
    place = np.unravel_index(np.nanargmax(mean), mean.shape)
    rows, columns = square(frame.body)
    assert rows.start <= place[0] < rows.stop
    assert columns.start <= place[1] < columns.stop
    assert np.nanmax(mean) > 0.95
    # Of the other class, and of a map that knows nothing, there is nothing to see.
    assert np.nanmax(found[0]["means"]["looks absolute"]) < 0.85
    assert np.nanmax(found[1]["means"]["random absolute"]) < 0.85
    assert found[1]["slices"] == found[0]["slices"] == 12
    # The marker speaks against the class.
    signed = found[1]["means"]["looks original"]
    assert np.nanmean(signed[rows, columns]) < 0.1


def test_the_marker_is_seen_in_the_mean_slice():
    found, frame = found_in_cohort()

    inside = square(frame.body)
    assert found[1]["means"]["slice"][inside].mean() > 0.9
    assert found[0]["means"]["slice"][inside].mean() < 0.8


def test_test_slices_of_each_answer_are_chosen_and_not_too_many(monkeypatch):
    monkeypatch.setattr(means, "SLICES_OF_A_CLASS", 3)
    splits = ["train"] * 4 + ["test"] * 10
    rows = [{"slice_id": str(number), "split": split} for number, split in enumerate(splits)]
    answers = {row["slice_id"]: int(row["slice_id"] == "13") for row in rows}

    assert chosen_for_means(rows, answers) == ["4", "7", "10", "13"]
    assert chosen_for_means(rows[:2], answers) == ["0", "1"]


@pytest.fixture(scope="module")
def url(run, tmp_path_factory):
    """A page with a marker in the maps of one estimator."""
    sources, subjects, _ = run
    folder = tmp_path_factory.mktemp("means")
    ids = [one.slice_id for one in subjects]
    values = np.stack([importance_of("smoothgrad_squared", number) for number in range(len(ids))])
    values[:, 20:23, 30:33] = 100
    schema = pa.schema([("slice_id", pa.string()), image_field("importance", SHAPE)])
    write_table(folder / "marked.parquet", schema, {"slice_id": ids, "importance": values})
    maps = sources.maps | {"smoothgrad_squared": folder / "marked.parquet"}
    return build_page(folder / "explorer.html", replace(sources, maps=maps)).as_uri()


OPEN = "document.getElementById('mean-maps').open = true"
CANVASES = "[...document.querySelectorAll('#mean-maps canvas.mean')]"


def test_the_page_shows_the_mean_maps_of_all_estimators_over_the_mean_slice(visit):
    page = visit("slice=slice-0&opacity=100&level=400&width=1")  # the slice itself is black
    page.evaluate(OPEN)

    assert page.wait_for(f"{CANVASES}.length") == 2 * 3  # two classes: the slice, two estimators
    data = page.evaluate(
        f"""(() => {{
          const group = document.querySelector("[data-name=smoothgrad_squared].means canvas");
          return [...group.getContext("2d").getImageData(0, 0, {SHAPE[1]}, {SHAPE[0]}).data];
        }})()"""
    )
    colours = np.array(data).reshape(*SHAPE, 4)[..., :3].astype(int)
    row, column = np.unravel_index(colours.sum(2).argmax(), SHAPE)
    assert 19 <= row <= 23
    assert 29 <= column <= 33
    label = f"{CANVASES}.at(-1).ariaLabel"
    assert "SmoothGrad Squared, mean map of the slices answered with contrast, up to 1.00" in (
        page.evaluate(label)
    )
    assert "no contrast 2, contrast 2" in text_of(page, "#means-note")


def test_a_mean_map_leads_to_its_estimator_by_keyboard(visit):
    page = visit("slice=slice-0")
    page.evaluate("document.querySelector('#mean-maps summary').focus()")
    page.press("Enter")
    page.wait_for(f"{CANVASES}.length")

    page.evaluate("document.querySelector('[data-name=smoothgrad_squared].means button').focus()")
    page.press("Enter")
    page.wait_for("document.querySelector('.tile.chosen').dataset.name === 'smoothgrad_squared'")
    page.wait_for("document.querySelector('.means.chosen').dataset.name === 'smoothgrad_squared'")
    assert page.evaluate("document.activeElement.textContent") == "SmoothGrad Squared"
    assert page.evaluate(SHOWN) == "slice-0"
