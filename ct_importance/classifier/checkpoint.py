"""Reads files of torch.save safely, without torch.

Nothing in a file is run: classes that it names are replaced by placeholders. Sizes are checked
before memory is allocated.
"""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ct_importance.errors import InputError, first_line
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import REMEDIES, naming

LARGEST_FILE = 1 << 31
"""Bytes; a ResNet-50 has 94 MB, with the state of its training three times as much."""
LARGEST_STRUCTURE = 1 << 24
"""Bytes of the pickle that says which tensors there are; that of a ResNet-50 has 40,000."""
SAVE = "save the weights with torch.save(network.state_dict(), file)"
BEFORE_1_6 = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
"""How files begin that torch wrote before version 1.6, or as if it were that."""
TYPES = {"Float": "f4", "Double": "f8", "Half": "f2", "BFloat16": "u2", "Long": "i8"}
"""NumPy types of torch's storages, without their byte order; bfloat16 is unknown to NumPy."""


@dataclass(frozen=True)
class Storage:
    """Numbers in a file, of which tensors are views."""

    kind: str
    """As torch names it: Float, Char, QInt8, ..."""
    file: str
    dtype: np.dtype
    start: int
    """Where they begin, bytes."""
    count: int


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file; nothing of its values has been read."""

    kind: str
    """Kind of its storage, or "sparse" and the like."""
    shape: tuple[int, ...] = ()
    storage: Storage | None = None
    offset: int = 0
    strides: tuple[int, ...] = ()
    """Like the offset in numbers, not bytes."""

    def __setstate__(self, state: Any) -> None:
        """Keep what a pickle would change of a tensor after its checks."""

    def read(self) -> np.ndarray:
        """Return the values, float32 or, of counters, int64; memory as the shape says."""
        assert self.storage is not None
        with naming(self.storage.file):
            stored = np.memmap(
                self.storage.file, self.storage.dtype, "r", self.storage.start, self.storage.count
            )
        strides = [step * stored.itemsize for step in self.strides]
        view = np.lib.stride_tricks.as_strided(
            stored[self.offset :], self.shape, strides, writeable=False
        )
        if self.kind == "BFloat16":
            return (view.astype(np.uint32) << 16).view(np.float32)
        with np.errstate(over="ignore"):
            return np.array(view, np.int64 if self.kind == "Long" else np.float32, order="C")


class Placeholder:
    """Stands for an object of any class, and takes whatever a pickle does to it."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take arguments."""

    def __setstate__(self, state: Any) -> None:
        """Take attributes."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Take an item of a mapping."""

    def append(self, value: Any) -> None:
        """Take an item."""

    def extend(self, values: Any) -> None:
        """Take items."""


def read_checkpoint(path: StrPath, remedy: str = SAVE) -> Mapping[str, Any]:
    """Return what a file of torch.save holds, with a `StoredTensor` for each tensor.

    Args:
        path: The file, of torch 1.6 or later.
        remedy: What to do if it is none, for messages.

    Raises:
        InputError: If it is something else, damaged, larger or smaller than it claims, or holds
            no mapping.
        OSError: If it cannot be read.
    """
    size = os.path.getsize(path)
    if size > LARGEST_FILE:
        raise InputError(f"{path}: {size >> 20} MB are more than a ResNet-50 can need; {remedy}")
    try:
        with naming(path), open(path, "rb") as file:
            if file.read(len(BEFORE_1_6)) == BEFORE_1_6:
                raise ValueError("as torch before 1.6 wrote it: load it there and save it again")
            with zipfile.ZipFile(file) as archive:
                check_sizes(archive, size)
                content = _Structure(path, archive).load()
    except OSError as error:
        # Damaged files also make zipfile seek to where no file can be.
        if error.errno in REMEDIES:
            raise
        raise _unreadable(path, error, remedy) from error
    except MemoryError:
        raise
    except Exception as error:  # damaged files make pickle raise anything
        raise _unreadable(path, error, remedy) from error
    if not isinstance(content, Mapping):
        kind = "Tensor" if isinstance(content, StoredTensor) else type(content).__name__
        raise InputError(f"{path}: holds a {kind}, not weights by name; {remedy}")
    return content


def _unreadable(path: StrPath, error: Exception, remedy: str) -> InputError:
    reason = first_line(error) or type(error).__name__
    return InputError(f"{path}: cannot be read as a file of torch.save ({reason}); {remedy}")


def check_sizes(archive: zipfile.ZipFile, size: int) -> None:
    """Check that no entry unpacks to more than it has in the file, alone or with others.

    Raises:
        ValueError: If one does.
    """
    entries = archive.infolist()
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ValueError("its parts are compressed, which torch does not do")
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError("its parts claim more than the file holds")


class _Structure(pickle._Unpickler):
    """The pickle in a checkpoint.

    The one written in Python: that in C takes memory as a file asks for it.
    """

    dispatch: ClassVar = dict(pickle._Unpickler.dispatch)
    # It takes memory before it reads, and torch writes none.
    del dispatch[pickle.BYTEARRAY8[0]]

    def __init__(self, path: StrPath, archive: zipfile.ZipFile) -> None:
        """Read the pickle, and nothing else."""
        name = next((it for it in archive.namelist() if it.endswith("/data.pkl")), None)
        if name is None:
            raise ValueError("no tensors in it")
        if archive.getinfo(name).file_size > LARGEST_STRUCTURE:
            raise ValueError("too many objects")
        super().__init__(io.BytesIO(archive.read(name)))
        self._path, self._archive = path, archive
        self._folder = name.removesuffix("data.pkl")
        order = f"{self._folder}byteorder"
        is_big = order in archive.namelist() and archive.read(order) == b"big"
        self._order = ">" if is_big else "<"
        self._storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a class or function."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in _REBUILD:
            return _REBUILD[name]
        if module in ("torch", "torch.storage") and name.endswith("Storage"):
            return name.removesuffix("Storage")
        return type(name, (Placeholder,), {})

    def persistent_load(self, pid: Any) -> Storage:
        """Return the storage of a key, if the file holds as much as it claims."""
        _, kind, key, _, count = pid
        if key not in self._storages:
            entry = self._archive.getinfo(f"{self._folder}data/{key}")
            dtype = np.dtype(self._order + TYPES.get(kind, "u1"))
            if kind in TYPES and count * dtype.itemsize != entry.file_size:
                raise ValueError(f"{count} numbers in {entry.file_size} bytes")
            start = start_of(self._archive, entry)
            self._storages[key] = Storage(kind, os.fspath(self._path), dtype, start, count)
        return self._storages[key]


def start_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> int:
    """Return at which byte of an archive an entry begins, after checking its checksum."""
    with archive.open(entry) as stored:
        assert archive.fp is not None, "the archive is open"
        start = archive.fp.tell()
        while stored.read(1 << 20):
            pass
    return start


def view_of(
    storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> StoredTensor:
    """Return a tensor that is a view of a storage.

    Raises:
        ValueError: If it has no proper shape, or is larger than its storage.
    """
    numbers = (offset, *shape, *strides)
    if any(type(it) is not int or it < 0 for it in numbers) or len(shape) != len(strides):
        raise ValueError("a tensor without a proper shape")
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if 0 not in shape and last >= storage.count:
        raise ValueError("a tensor is larger than its storage")
    return StoredTensor(storage.kind, tuple(shape), storage, offset, tuple(strides))


def _other(kind: str) -> Any:
    return lambda *_: StoredTensor(kind)


_REBUILD = {
    "_rebuild_tensor": view_of,
    "_rebuild_tensor_v2": view_of,
    "_rebuild_parameter": lambda data, *_: data,
    "_rebuild_parameter_with_state": lambda data, *_: data,
    "_rebuild_tensor_v3": _other("unusual"),
    "_rebuild_qtensor": _other("quantised"),
    "_rebuild_sparse_tensor": _other("sparse"),
    "_rebuild_nested_tensor": _other("nested"),
    "_rebuild_meta_tensor_no_storage": _other("meta (without values)"),
    "_rebuild_device_tensor_from_numpy": _other("foreign"),
    "_rebuild_device_tensor_from_cpu_tensor": _other("foreign"),
    "_rebuild_wrapper_subclass": _other("foreign"),
}
