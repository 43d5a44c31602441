"""Reads maps kept as arrays or pictures, and brings them into the grid of the extracted slice."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ct_importance.cohort import rejection
from ct_importance.cohort.dicom.geometry import SliceGeometry
from ct_importance.cohort.extraction import resize_to_grid
from ct_importance.cohort.masks.files import mask_stamp
from ct_importance.cohort.masks.png import read_png
from ct_importance.cohort.masks.targets import is_png
from ct_importance.cohort.rejection import RejectedFile
from ct_importance.cohort.slice_entry import SliceEntry


def in_grid(
    values: NDArray[np.floating], geometry: SliceGeometry, size: int
) -> NDArray[np.float32]:
    """Return a map as its slice is extracted: oriented, resized, centred on zeros.

    Args:
        values: (rows, columns) as the slice is stored, or (size, size) as it is extracted already.
        geometry: The slice.
        size: Rows and columns of the result.

    Raises:
        RejectedFile: If the map has another shape.
    """
    values = np.asarray(values, np.float32)
    if values.shape == (geometry.rows, geometry.columns):
        return resize_to_grid(values, geometry, size, clip=False)
    if values.shape == (size, size):
        return values
    raise RejectedFile(
        f"map is {' x '.join(map(str, values.shape))}, its slice {geometry.rows} x "
        f"{geometry.columns} as stored and {size} x {size} as extracted"
    )


def map_of_slice(path: Path, key: str | None, entry: SliceEntry) -> NDArray[np.floating]:
    """Return the map of a slice that has a file or an array of its own.

    Args:
        path: PNG, npy or npz.
        key: Of the array in an npz; None: the only one.
        entry: The slice.

    Raises:
        RejectedFile: If it cannot be read.
    """
    if is_png(path):
        return read_png(path, (entry.rows, entry.columns), deepest=16).astype(np.float32)
    return _numbers(_array(path, key))


def slice_of_stack(path: Path, number: int, count: int) -> NDArray[np.floating]:
    """Return the map of one slice out of an array with those of a series.

    Args:
        path: npy, or npz with one array: (slices, rows, columns).
        number: Of the slice, from the feet to the head.
        count: How many slices the series has.

    Raises:
        RejectedFile: If the array has another number of slices, or cannot be read.
    """
    stack = _kept(path, mask_stamp(path))
    if stack.ndim != 3 or len(stack) != count:
        raise RejectedFile(
            f"map is {' x '.join(map(str, stack.shape))}, and its series has {count} slices: it "
            "must be slices x rows x columns, from the feet to the head"
        )
    return _numbers(stack[number])


@functools.lru_cache(maxsize=2)
def _kept(path: Path, stamp: object) -> np.ndarray:
    return _array(path, None)


def names_in(path: Path) -> list[str]:
    """Return the names of the arrays of an npz.

    Raises:
        RejectedFile: If it cannot be read.
    """
    with rejection.reading("map cannot be read as npz"), np.load(path, allow_pickle=False) as file:
        return list(file.files)


def _array(path: Path, key: str | None) -> np.ndarray:
    # A pickle could run code of whoever wrote it.
    with rejection.reading("map cannot be read as an array"):
        if path.suffix.lower() == ".npy":
            found: np.ndarray = np.load(path, allow_pickle=False, mmap_mode=None)
            return found
        with np.load(path, allow_pickle=False) as file:
            names = [key] if key is not None else list(file.files)
            if len(names) != 1:
                raise RejectedFile(f"map is one of {len(names)} arrays: leave one")
            return np.asarray(file[names[0]])


def _numbers(values: np.ndarray) -> NDArray[np.floating]:
    if values.dtype.kind not in "biuf":
        raise RejectedFile(f"map holds no numbers, but {values.dtype}")
    return np.squeeze(values).astype(np.float32) if values.ndim > 2 else values.astype(np.float32)
