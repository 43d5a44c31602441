"""Random numbers that depend on their purpose, not on the order of the work.

A generator made from (seed, slice, estimator) gives a slice the same draws whatever the batch
size, the order, the shard or the number of workers.
"""

import hashlib

import numpy as np


def generator_for(*names: str | int) -> np.random.Generator:
    """Return a generator that depends on the names alone.

    Args:
        names: What the numbers are for, e.g. ``(seed, slice_id, "smoothgrad")``.

    Example:
        >>> generator_for(0, "slice-7", "smoothgrad").integers(100, size=3).tolist()
        [13, 19, 91]
        >>> generator_for(0, "slice-7", "smoothgrad").integers(100, size=3).tolist()
        [13, 19, 91]
        >>> generator_for(0, "slice-8", "smoothgrad").integers(100, size=3).tolist()
        [15, 2, 53]
    """
    return np.random.Generator(np.random.Philox(key=_digest(names, 16)))


def seed_for(*names: str | int) -> int:
    """Return a seed in [0, 2**63) that depends on the names alone, for torch."""
    return _digest(names, 8) >> 1


def order_key(*names: str | int) -> int:
    """Return a key to sort by: a random order that adding or removing items does not disturb.

    Example:
        >>> patients = ["P1", "P2", "P3", "P4"]
        >>> sorted(patients, key=lambda patient: order_key(0, "split", patient))
        ['P2', 'P1', 'P3', 'P4']
        >>> sorted(patients[1:], key=lambda patient: order_key(0, "split", patient))
        ['P2', 'P3', 'P4']
    """
    return _digest(names, 8)


def _digest(names: tuple[str | int, ...], size: int) -> int:
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=size).digest(), "little")
