"""Random numbers of libraries that draw from the generators of everyone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the generators of torch and NumPy, and leave them behind as they were.

    Args:
        seed: In [0, 2**63).
        device: Where torch computes.

    Example:
        >>> with seeded(3, torch.device("cpu")):
        ...     first = torch.rand(2)
        >>> with seeded(3, torch.device("cpu")):
        ...     bool((torch.rand(2) == first).all())
        True
    """
    state = np.random.get_state()  # that of others
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            np.random.set_state(state)
