"""Spreads the jobs that run at once on one machine over its GPUs."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ct_importance.errors import InputError

JOBS_PER_DEVICE = 64
"""Jobs beyond so many on one device are not counted."""
NOT_OWN = (errno.ELOOP, errno.ENOTDIR, errno.EACCES)
"""Errors of the system where a link, another kind of file or one of another user is."""

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

    Raises:
        InputError: If the folder or a file in it is a link or belongs to somebody else.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    own = _open_own(folder)
    with _open_file(own, folder, "choosing") as choosing:
        # One process at a time counts and claims.
        fcntl.lockf(choosing, fcntl.LOCK_EX)
        files = [_open_file(own, folder, device) for device in devices]
        free = [_free_places(file) for file in files]
        chosen = max(range(len(devices)), key=lambda device: len(free[device]))
        for place in free[chosen][:1]:
            _lock_place(files[chosen], place)
    os.close(own)
    _kept_open.extend(files)
    return chosen


def _open_own(folder: Path) -> int:
    """Open a folder that this user has made, and nobody else may write to.

    In a temporary folder that all users share, another could have put a link there to have this
    one's files written to.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    try:
        own = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise _refusal(folder) if error.errno in NOT_OWN else error from None
    if os.fstat(own).st_uid != os.getuid():
        os.close(own)
        raise _refusal(folder)
    os.fchmod(own, 0o700)
    return own


def _open_file(own: int, folder: Path, name: str) -> BinaryIO:
    """Open a file of a folder for locks; never through a link."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return open(os.open(name, flags, 0o600, dir_fd=own), "r+b", buffering=0)
    except OSError as error:
        raise _refusal(folder / name) if error.errno in NOT_OWN else error from None


def _refusal(path: Path) -> InputError:
    return InputError(
        f"{path}: a link, or not yours; remove it, or set TMPDIR to a folder of your own"
    )


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
