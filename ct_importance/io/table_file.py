"""Opens Parquet tables with checksums, so that a flipped bit is noticed.

Parquet keeps a checksum of each page, but none of the footer that describes the pages. Here it is
written just before the footer, where other readers skip it.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ct_importance.errors import InputError, first_line
from ct_importance.io.atomic import replacing
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

if TYPE_CHECKING:
    import pandas as pd

MARK = b"CRC32 of footer "
END = b"PAR1"
"""The last bytes of every Parquet file, after the length of the footer in four bytes."""


@contextlib.contextmanager
def open_writer(path: StrPath, schema: pa.Schema, **options: Any) -> Iterator[pq.ParquetWriter]:
    """Yield what writes a table with checksums; the file appears when the block ends well.

    Args:
        path: The table.
        schema: Of the table.
        options: Of `pyarrow.parquet.ParquetWriter`.
    """
    with replacing(path) as temporary:
        with pq.ParquetWriter(temporary, schema, write_page_checksum=True, **options) as writer:
            yield writer
        _add_checksum(temporary)


def write_frame(path: StrPath, frame: pd.DataFrame) -> None:
    """Write a data frame without its index, atomically."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False, write_page_checksum=True)
        _add_checksum(temporary)


@contextlib.contextmanager
def open_table(path: StrPath) -> Iterator[pq.ParquetFile]:
    """Yield a table to be read page by page, each of which is checked.

    Raises:
        InputError: If the table is damaged, at once or when the damaged page is read in the block.
    """
    with _reading(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield file


def read_table(
    path: StrPath, columns: Sequence[str] | None = None, filters: Any = None
) -> pa.Table:
    """Return a table.

    Args:
        path: The table.
        columns: Names to read; None for all.
        filters: Which rows, as in `pyarrow.parquet.read_table`.

    Raises:
        InputError: If the table is damaged.
    """
    names = None if columns is None else list(columns)
    if filters is None:
        # `pyarrow.parquet.read_table` imports pandas.
        with open_table(path) as file:
            return file.read(columns=names)
    with _reading(path):
        return pq.read_table(path, columns=names, filters=filters, page_checksum_verification=True)


def read_frame(
    path: StrPath, columns: Sequence[str] | None = None, filters: Any = None
) -> pd.DataFrame:
    """Return a table as a data frame; arguments and errors are those of `read_table`."""
    return read_table(path, columns, filters).to_pandas()


def read_schema(path: StrPath) -> pa.Schema:
    """Return the schema of a table.

    Raises:
        InputError: If the table is damaged.
    """
    with _reading(path):
        return pq.read_schema(path)


@contextlib.contextmanager
def _reading(path: StrPath) -> Iterator[None]:
    """Check the footer of a table, then say of what the block raises which file is damaged."""
    try:
        with naming(path):
            with open(path, "rb") as file:
                footer, checksum = _footer(file)
            if checksum is not None and checksum != zlib.crc32(footer):
                raise pa.ArrowInvalid("checksum of the footer")
            yield
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InputError(
            f"{path} is damaged ({first_line(error)}): delete this file and run again"
        ) from error


def _add_checksum(path: StrPath) -> None:
    with open(path, "r+b") as file:
        footer, _ = _footer(file)
        file.seek(-len(footer), os.SEEK_END)
        file.write(MARK + zlib.crc32(footer).to_bytes(4, "little") + footer)


def _footer(file: BinaryIO) -> tuple[bytes, int | None]:
    """Return a footer with its length and the end of the file, and the checksum before it, if any.

    Raises:
        pa.ArrowInvalid: If the file has no footer.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 8))
    tail = file.read()
    length = int.from_bytes(tail[:4], "little") + 8
    if tail[4:] != END or length > size:
        raise pa.ArrowInvalid("its end is missing")
    before = len(MARK) + 4
    file.seek(max(0, size - length - before))
    found = file.read()
    mark, footer = found[:-length], found[-length:]
    is_signed = mark.startswith(MARK) and len(mark) == before
    return footer, int.from_bytes(mark[-4:], "little") if is_signed else None
