"""Progress of long work: a bar in a terminal, and lines in the log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
logger = logging.getLogger(__name__)


def progress(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items while showing how far the work is.

    Args:
        items: What is worked on.
        what: A few words: the work and its unit, e.g. ``"smoothgrad: slices"``.
        total: Number of items, if ``items`` has no length.
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    next_tenth = 1
    bar = tqdm(items, desc=what, total=total, file=sys.__stderr__, disable=None, leave=False)
    for done, item in enumerate(bar, start=1):
        yield item
        if total and done * 10 >= next_tenth * total:
            logger.info("%s: %d of %d", what, done, total)
            next_tenth = done * 10 // total + 1
