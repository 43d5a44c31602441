"""Which of several GPUs a job takes, so that jobs that run at once on one machine are spread."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

JOBS_PER_DEVICE = 64
"""Jobs beyond so many on one device are not counted."""

_kept_open: list[BinaryIO] = []
"""A lock would end with the file it is on being closed."""


def claims_folder() -> Path:
    """Return the folder in which the jobs of one user on one machine see each other's claims."""
    return Path(tempfile.gettempdir()) / f"ct-importance-devices-{os.getuid()}"


def claim_device(devices: Sequence[str], folder: Path) -> int:
    """Claim the device that the fewest running processes have claimed, until this process ends.

    A claim is a lock on a byte of the device's file: the kernel releases it whatever way the
    process ends, and processes forked from it do not inherit it. A process claims once.

    Args:
        devices: Names by which all processes know the devices, such as their UUIDs; at least one.
        folder: Holds a file per device; made if need be. On a local disk.

    Returns:
        The position in `devices`; the first of those equally used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "choosing", "ab") as choosing:
        # One process at a time counts and claims.
        fcntl.lockf(choosing, fcntl.LOCK_EX)
        files = [open(folder / device, "ab") for device in devices]  # noqa: SIM115
        free = [_free_places(file) for file in files]
        chosen = max(range(len(devices)), key=lambda device: len(free[device]))
        for place in free[chosen][:1]:
            _lock_place(files[chosen], place)
    _kept_open.extend(files)
    return chosen


def _free_places(file: BinaryIO) -> list[int]:
    """Return the bytes of a device's file that no other process has locked."""
    free = []
    for place in range(JOBS_PER_DEVICE):
        try:
            _lock_place(file, place)
        except OSError:
            continue
        fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
        free.append(place)
    return free


def _lock_place(file: BinaryIO, place: int) -> None:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
