"""Arrow arrays of Python values, made without pandas.

`pyarrow.array` imports pandas to know its objects, half of the time in which a small job starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa


def to_array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return what `pyarrow.array` returns.

    It is asked where numpy cannot hold the values as they are: nested ones, numbers with None.

    Args:
        values: Values of a column, as a list or a numpy array; None where one is lacking.
        kind: Their type.

    Example:
        >>> to_array(["a", None], pa.string()).to_pylist()
        ['a', None]
    """
    if pa.types.is_string(kind):
        return _texts(values, kind)
    if pa.types.is_fixed_size_binary(kind):
        return _cells(values, kind)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        found, dtype = np.asarray(values), np.dtype(kind.to_pandas_dtype())
        if found.dtype.kind == dtype.kind:
            stored = found.astype(dtype)
            # Floats may be rounded, as in pyarrow.
            if dtype.kind == "f" or (stored == found).all():
                return _numbers(stored, kind)
    return pa.array(values, type=kind)


def _numbers(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    data = np.packbits(values, bitorder="little") if values.dtype.kind == "b" else values
    return pa.Array.from_buffers(
        kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(data))]
    )


def _texts(values: Sequence[str | None], kind: pa.DataType) -> pa.Array:
    encoded = [b"" if value is None else value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)])
    if ends[-1] > np.iinfo(np.int32).max:
        raise pa.ArrowCapacityError("texts of a column take more than 2 GB")
    buffers = [pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(kind, len(encoded), [_known(values), *buffers])


def _cells(values: Sequence[bytes | None], kind: pa.DataType) -> pa.Array:
    lacking = bytes(kind.byte_width)
    data = b"".join(lacking if value is None else value for value in values)
    return pa.Array.from_buffers(kind, len(values), [_known(values), pa.py_buffer(data)])


def _known(values: Sequence[object | None]) -> pa.Buffer | None:
    """Return the bits that say which values there are; None if all."""
    known = np.array([value is not None for value in values], bool)
    return None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
