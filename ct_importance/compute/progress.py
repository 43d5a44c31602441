"""Progress of long work: a line for each tenth, in the log and, of what takes long, where it runs.

Several jobs share a terminal, or write into the log of a cluster: lines, unlike bars, do not
overwrite each other.
"""

from __future__ import annotations

import logging
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

Item = TypeVar("Item")
logger = logging.getLogger(__name__)

WIDTH = 100
"""Of lines of prose on a terminal, at most."""
HANG = " " * len("00:00:00  FAILED  ")
"""What a line begins with that goes on with one that says when something was."""
LONG = 20
"""Seconds after which work is shown on standard error, too."""
SILENCE = 300
"""Seconds without a line, at most, where an item ends in them."""


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items while saying how far the work is.

    Args:
        items: What is worked on.
        what: A few words: the work and its unit, e.g. ``"smoothgrad: slices"``.
        total: Number of items, if ``items`` has no length.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    next_tenth = 1
    begin = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if total and (done * 10 >= next_tenth * total or now - last >= SILENCE):
            logger.info("%s: %d of %d", what, done, total)
            if now - begin >= LONG:
                _show(what, done, total, now - begin)
            next_tenth, last = done * 10 // total + 1, now


def _show(what: str, done: int, total: int, seconds: float) -> None:
    if sys.__stderr__ is not None:
        left = in_words(seconds * (total - done) / done)
        rest = f", about {left} left" if done < total else ""
        line = f"{time.strftime('%H:%M:%S')}          {what}: {done} of {total}{rest}"
        sys.__stderr__.write("\n".join(wrapped(line, HANG, sys.__stderr__)) + "\n")
        sys.__stderr__.flush()


def in_words(seconds: float) -> str:
    """Return a time in the unit that suits it.

    Example:
        >>> in_words(5), in_words(600), in_words(36000)
        ('5 s', '10 min', '10.0 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def wrapped(text: str, hang: str = "", stream: TextIO | None = None) -> list[str]:
    """Return prose as lines that fit the terminal; one line for a file, which is searched.

    Args:
        text: One paragraph.
        hang: What lines but the first begin with.
        stream: Where it is written; None: standard output.
    """
    width = columns(stream)
    if width is None:
        return [text]
    # Paths stay whole.
    lines = textwrap.wrap(
        text,
        min(width, WIDTH),
        subsequent_indent=hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [text]


def columns(stream: TextIO | None = None) -> int | None:
    """Return the width of the terminal that standard output or a stream is; None of a file."""
    is_terminal = (stream or sys.stdout).isatty()
    return shutil.get_terminal_size((WIDTH, 0)).columns if is_terminal else None
