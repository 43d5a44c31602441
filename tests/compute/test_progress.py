import io
import logging
import sys

import pytest

from ct_importance.compute import progress as module
from ct_importance.compute.progress import LONG, SILENCE, progress


@pytest.mark.parametrize(
    ("count", "logged"),
    [(100, range(10, 101, 10)), (25, [3, 5, 8, 10, 13, 15, 18, 20, 23, 25]), (3, [1, 2, 3])],
)
@pytest.mark.parametrize("sized", [True, False])
def test_every_tenth_of_the_work_is_logged_once(caplog, count, logged, sized):
    caplog.set_level(logging.INFO)
    items = list(range(count))

    source = progress(items, "maps", None) if sized else progress(iter(items), "maps", count)

    assert list(source) == items
    assert caplog.messages == [f"maps: {done} of {count}" for done in logged]


def test_work_of_unknown_or_no_length_passes_without_a_word(caplog):
    caplog.set_level(logging.INFO)

    assert list(progress(iter("ab"), "maps")) == ["a", "b"]
    assert list(progress([], "maps")) == []
    assert not caplog.messages


def test_a_tenth_is_logged_after_its_work_is_done(caplog):
    caplog.set_level(logging.INFO)
    items = progress([1, 2], "maps")

    next(items)
    assert not caplog.messages
    next(items)
    assert caplog.messages == ["maps: 1 of 2"]


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when it is told to, and what is shown."""

    class Clock:
        now = 0.0
        shown = io.StringIO()

        def monotonic(self):
            return self.now

        def strftime(self, form):
            return "09:00:00"

    clock = Clock()
    clock.shown = io.StringIO()
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(sys, "__stderr__", clock.shown)
    return clock


def test_of_long_work_each_tenth_is_shown_with_the_time_left(clock):
    for _ in progress(range(100), "smoothgrad: slices"):
        clock.now += 3

    lines = clock.shown.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["09:00:00"] * 10
    assert lines[0].endswith("smoothgrad: slices: 10 of 100, about 4 min left")
    assert lines[8].endswith("90 of 100, about 30 s left")
    assert lines[9].endswith("smoothgrad: slices: 100 of 100")


def test_short_work_shows_nothing(clock):
    for _ in progress(range(100), "maps"):
        clock.now += LONG / 101

    assert clock.shown.getvalue() == ""


def test_work_is_not_silent_for_long_between_its_tenths(clock, caplog):
    caplog.set_level(logging.INFO)
    for _ in progress(range(40), "training: epochs"):
        clock.now += SILENCE / 2

    done = [int(line.split()[3]) for line in clock.shown.getvalue().splitlines()]
    assert done == list(range(2, 41, 2))
    assert len(caplog.messages) == len(done)


def test_a_process_without_standard_error_works_on(clock, monkeypatch):
    monkeypatch.setattr(sys, "__stderr__", None)
    clock.now = 0
    for _ in progress(range(2), "maps"):
        clock.now += LONG
