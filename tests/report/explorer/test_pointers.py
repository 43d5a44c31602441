"""Pointers and fingers on the pictures of the explorer's page."""

import re

import pytest

from tests.report.explorer.looking import CONTROL, SHOWN, point_of, touch

READING = "document.getElementById('readout').textContent"
VIEW = "canvas[data-view=slice]"


@pytest.fixture
def phone(visit):
    """The page in the hand, slice 0 in sight."""
    page = visit("slice=slice-0", width=390)
    page.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
    page.evaluate(f"document.querySelector('{VIEW}').scrollIntoView()")
    yield page
    page.call("Emulation.setTouchEmulationEnabled", enabled=False)


def zoom_of(page):
    return float(page.evaluate("document.getElementById('zoom-text').textContent").split()[0])


def place_of(page, x, y):
    """Return column and row below a place on the screen, as the mouse tells them."""
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    text = page.wait_for(f"{READING}.startsWith('column') && {READING}")
    return [int(number) for number in re.search(r"column (\d+), row (\d+)", text).groups()]


def test_the_point_below_the_pointer_stays_where_it_is_while_zooming(visit):
    page = visit("slice=slice-0")
    x, y = point_of(page, VIEW, 0.25)

    before = place_of(page, x, y)
    wheel = {"type": "mouseWheel", "deltaX": 0, "deltaY": -200, "modifiers": CONTROL}
    page.call("Input.dispatchMouseEvent", x=x, y=y, **wheel)
    page.wait_for("location.hash.includes('zoom=2')")
    assert place_of(page, x, y) == before


def test_two_fingers_zoom_about_the_place_between_them_and_leave_the_page_as_it_is(phone):
    x, y = point_of(phone, VIEW, 0.4)
    before = place_of(phone, x, y)
    scrolled = phone.evaluate("[scrollX, scrollY, visualViewport.scale]")

    touch(phone, "touchStart", (x - 20, y))
    touch(phone, "touchStart", (x - 20, y), (x + 20, y))
    for apart in range(25, 65, 5):
        touch(phone, "touchMove", (x - apart, y), (x + apart, y))
    touch(phone, "touchEnd")

    assert zoom_of(phone) == pytest.approx(3, abs=0.1)
    phone.wait_for("location.hash.includes('zoom=3')")
    assert place_of(phone, x, y) == pytest.approx(before, abs=1)
    assert phone.evaluate("[scrollX, scrollY, visualViewport.scale]") == scrolled
    assert "cross" not in phone.evaluate("location.hash")


def test_two_fingers_that_move_together_move_a_zoomed_slice(phone):
    phone.evaluate("document.getElementById('zoom-in').click()")
    x, y = point_of(phone, VIEW, 0.5)
    before = place_of(phone, x, y)

    touch(phone, "touchStart", (x - 30, y), (x + 30, y))
    for by in range(5, 45, 5):
        touch(phone, "touchMove", (x - 30 + by, y + by), (x + 30 + by, y + by))
    touch(phone, "touchEnd")

    assert zoom_of(phone) == pytest.approx(2, abs=0.05)
    assert place_of(phone, x + 40, y + 40) == pytest.approx(before, abs=1)


def test_one_finger_moves_a_zoomed_slice_and_a_tap_keeps_the_crosshair(phone):
    phone.evaluate("document.getElementById('zoom-in').click()")
    x, y = point_of(phone, VIEW, 0.5)
    before = place_of(phone, x, y)

    touch(phone, "touchStart", (x, y))
    for by in range(5, 45, 5):
        touch(phone, "touchMove", (x - by, y - by))
    touch(phone, "touchEnd")
    assert place_of(phone, x - 40, y - 40) == pytest.approx(before, abs=1)
    assert "cross" not in phone.evaluate("location.hash")
    touch(phone, "touchStart", (x, y))
    touch(phone, "touchEnd")
    phone.wait_for("location.hash.includes('cross=')")


def test_one_finger_scrolls_the_page_over_a_slice_that_is_not_zoomed(phone):
    before = phone.evaluate("scrollY")
    x, y = point_of(phone, VIEW, 0.9)

    touch(phone, "touchStart", (x, y))
    for by in range(10, 160, 10):
        touch(phone, "touchMove", (x, y - by))
    touch(phone, "touchEnd")

    phone.wait_for(f"scrollY > {before} + 50")
    assert zoom_of(phone) == 1


def test_the_address_is_not_written_with_every_move_of_a_pointer(visit):
    page = visit("slice=slice-0&zoom=4")
    page.evaluate(
        """(() => {
          [window.writes, window.begun] = [0, performance.now()];
          const replace = history.replaceState;
          history.replaceState = (...given) => {
            window.writes += 1;
            replace.apply(history, given);
          };
        })()"""
    )
    x, y = point_of(page, VIEW, 0.5)
    mouse = {"button": "left", "buttons": 1}
    page.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, clickCount=1, **mouse)
    for by in range(60):
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + by, y=y, **mouse)
    page.call("Input.dispatchMouseEvent", type="mouseReleased", x=x + 59, y=y, **mouse)

    page.wait_for("location.hash.includes('x=')")
    most = page.evaluate("(performance.now() - window.begun) / 100 + 2")
    assert page.evaluate("window.writes") <= most
    assert page.evaluate(SHOWN) == "slice-0"
