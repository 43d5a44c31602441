"""Reads which tensors a file of safetensors holds, without torch."""

from __future__ import annotations

import json
import math
import os
from typing import Any

import numpy as np

from ct_importance.classifier.checkpoint import LARGEST_STRUCTURE, TYPES, Storage, StoredTensor
from ct_importance.errors import InputError, first_line
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

KINDS = {"F32": "Float", "F64": "Double", "F16": "Half", "BF16": "BFloat16", "I64": "Long"}
"""Kinds of numbers as torch names their storages."""


def read_safetensors(path: StrPath) -> dict[str, StoredTensor]:
    """Return the tensors in a file by name; nothing of their values has been read.

    The file is a length (8 bytes), that many bytes of JSON, and numbers
    (https://huggingface.co/docs/safetensors).

    Raises:
        InputError: If it is something else, damaged, or holds less than it claims.
    """
    try:
        with naming(path), open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if length > min(size - 8, LARGEST_STRUCTURE):
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(length))
        start = 8 + length
        return {
            name: _tensor(path, entry, start, size)
            for name, entry in header.items()
            if name != "__metadata__"
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path}: cannot be read as a file of safetensors ({first_line(error)}); write it "
            "again with safetensors.torch.save_file(network.state_dict(), file)"
        ) from error


def _tensor(path: StrPath, entry: dict[str, Any], start: int, size: int) -> StoredTensor:
    kind = KINDS.get(entry["dtype"])
    if kind is None:
        return StoredTensor(str(entry["dtype"]))
    shape, (first, last) = tuple(entry["shape"]), entry["data_offsets"]
    dtype = np.dtype("<" + TYPES[kind])
    numbers = (*shape, first, last)
    if any(type(it) is not int or it < 0 for it in numbers) or start + last > size:
        raise ValueError("a tensor is larger than the file")
    if math.prod(shape) * dtype.itemsize != last - first:
        raise ValueError("a tensor has not as many numbers as its shape says")
    strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    storage = Storage(kind, os.fspath(path), dtype, start + first, math.prod(shape))
    return StoredTensor(kind, shape, storage, 0, strides)
