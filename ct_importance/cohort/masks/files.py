"""Files of masks: which there are, whether they have changed, and why one cannot be read."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path

from ct_importance.cohort import rejection
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.volume.parts import holds_pixels_of_another, parts_of, stamp_of
from ct_importance.io.folders import list_files
from ct_importance.io.paths import StrPath

PNG_SUFFIX = ".png"


class MarksNothing(RejectedFile):
    """A file of which it is certain that it marks no slice; any other that fails may mark some."""


def reading(kind: str) -> AbstractContextManager[None]:
    """Turn whatever a reader of masks raises into a reason (`rejection.reading`).

    Args:
        kind: Format of the file, for the message.

    Raises:
        RejectedFile: If the block raises.
    """
    return rejection.reading(f"mask cannot be read as {kind}")


def list_mask_files(folder: StrPath) -> list[Path]:
    """Return the files below a folder, sorted; hidden ones and the data of headers are left out.

    Raises:
        InputError: If the folder is missing, or one below it cannot be read.
    """
    stamps = list_files([folder], "cohort.datasets.<name>.masks", hidden=False)
    files = [Path(stamp.path) for stamp in stamps]
    known = set(map(str, files))
    data = {part for path in files for part in parts_of(path)[1:]}
    return [
        path for path in files if path not in data and not holds_pixels_of_another(str(path), known)
    ]


def mask_digest(path: Path) -> str:
    """Return a digest of the content of a mask.

    Raises:
        RejectedFile: If a file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts_of(path):
        with reading("a file"), open(part, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def mask_stamp(path: Path) -> tuple[tuple[int, int], ...]:
    """Return time of change and size of a mask's files, by which a cache sees that they changed.

    Raises:
        RejectedFile: If the file cannot be found.
    """
    with reading("a file"):
        return stamp_of(path)
