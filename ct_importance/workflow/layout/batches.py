"""Which patients are extracted by one process: its start takes longer than a patient's slices."""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ct_importance.compute.randomness import seed_for
from ct_importance.io.paths import StrPath
from ct_importance.io.table_file import read_table

ALONE = 16
"""Up to so many patients, each has a process of its own."""
TOGETHER = 16
"""Patients of a process at most, in the mean."""


def batches_of(patients: Sequence[str]) -> dict[str, list[str]]:
    """Return the patients of each process, by its name.

    A patient's place depends on its own name, and on how many there are only each time these
    double: with a new patient the others stay where they are.

    Args:
        patients: Names of their files.

    Example:
        >>> batches_of(["a", "b"])
        {'a': ['a'], 'b': ['b']}
        >>> [len(these) for these in batches_of([str(n) for n in range(40)]).values()][:5]
        [2, 3, 4, 5, 2]
    """
    if len(patients) <= ALONE:
        return {patient: [patient] for patient in patients}
    count = ALONE
    while count * TOGETHER < len(patients):
        count *= 2
    batches = defaultdict(list)
    for patient in patients:
        batches[f"{seed_for('extraction', patient) % count + 1}of{count}"].append(patient)
    return dict(batches)


def read_batches(split: StrPath) -> Mapping[str, list[str]]:
    """Return the same for the patients of the table of the split.

    Raises:
        InputError: If it is damaged.
    """
    return _read_batches(str(split), os.stat(split).st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _read_batches(split: str, modified: int) -> Mapping[str, list[str]]:
    """Read it once for all jobs, and again when it was written anew."""
    return batches_of(read_table(split, ["file"]).column("file").to_pylist())
