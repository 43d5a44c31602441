"""How finely slices and maps are kept, so that the page stays small enough to open at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BYTES_OF_PAGE = 57_000_000
"""At most, as far as it is known before all slices are packed: below 60 MB it opens at once."""
GREYS = 4096
"""More grey values than this no slice is kept with."""


@dataclass(frozen=True)
class Detail:
    """What is kept of a slice and its maps."""

    factor: int
    """By which rows and columns are reduced."""
    shares: np.ndarray
    """Of the pixels of a map in each level, from the lowest importance to the highest, (L,)."""
    step: float | None
    """Hounsfield units between two grey values; None: 256 values, compressed with loss."""

    def greys(self, hu_window: tuple[float, float]) -> int:
        """Return how many grey values there are between both ends of the window, at least 256."""
        if self.step is None:
            return 256
        return int(np.clip((hu_window[1] - hu_window[0]) / self.step + 1, 256, GREYS))


# Levels on each side of the median, the share of each in that of its neighbour nearer to it, and
# the step of grey values: few levels keep those at both ends apart, where maps are read.
LADDER: tuple[tuple[int, float, float | None], ...] = (
    (128, 1.0, 1.0),
    (32, 0.95, 1.0),
    (16, 0.8, 2.0),
    (12, 0.7, 2.0),
    (8, 0.6, 4.0),
    (6, 0.5, 4.0),
    (5, 0.4, None),
    (4, 0.25, None),
)


def details(largest_factor: int) -> Iterator[Detail]:
    """Yield what can be kept, from the most to the least.

    Pixels of gradients are noise: half the resolution loses the order of importance, few levels
    only the order within them. So levels and grey values are given up first.
    """
    for factor in range(1, largest_factor + 1):
        for side, ratio, step in LADDER:
            yield Detail(factor, level_shares(side, ratio), step)


def level_shares(side: int, ratio: float) -> np.ndarray:
    """Return the shares of 2 ``side`` levels: symmetric, rising to the median, 1 in sum."""
    falling = ratio ** np.arange(side)
    shares: np.ndarray = np.concatenate([falling[::-1], falling]) / (2 * falling.sum())
    return shares


def choose_detail(
    samples: Sequence[int], count: int, budget: int, pack: Callable[[Detail], Iterable[int]]
) -> Detail:
    """Return the most that can be kept of all slices within a budget, judged by some of them.

    Args:
        samples: Bytes of what is kept of some slices whatever the detail.
        count: How many slices there are.
        budget: Bytes of all.
        pack: Returns the bytes of these slices and their maps.

    Returns:
        The first of `details` that fits, of reductions up to 8; the last if none does.
    """
    fixed = float(np.mean(samples))
    for detail in details(8):
        if count * (fixed + float(np.mean(list(pack(detail))))) <= budget:
            break
    return detail
