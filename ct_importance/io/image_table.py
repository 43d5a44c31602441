"""Parquet tables with images in their rows.

An image column is fixed-size binary, little-endian, C order; shape and dtype are in the metadata
of its field. Tables are written and read row group by row group, so memory does not grow with the
number of slices.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ct_importance.errors import InputError
from ct_importance.io.arrays import to_array
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming
from ct_importance.io.table_file import open_table, open_writer, read_schema, read_table

ROWS_PER_GROUP = 32


def image_field(
    name: str, shape: Sequence[int], dtype: str | np.dtype = "float32", nullable: bool = False
) -> pa.Field:
    """Return the field of an image column.

    Args:
        name: Column name.
        shape: Shape of one image, e.g. ``(height, width)``.
        dtype: NumPy dtype of a pixel; stored little-endian.
        nullable: Whether a row may lack the image.
    """
    little_endian = np.dtype(dtype).newbyteorder("<")
    width = int(np.prod(shape)) * little_endian.itemsize
    metadata = {"shape": json.dumps(list(shape)), "dtype": little_endian.str}
    return pa.field(name, pa.binary(width), nullable=nullable, metadata=metadata)


class TableWriter:
    """Writes a Parquet table in row groups; the file appears only when it is complete.

    Use as a context manager. On an exception the temporary file is removed and an existing table
    of that name stays as it was.
    """

    def __init__(self, path: StrPath, schema: pa.Schema) -> None:
        """Open a temporary file beside ``path``."""
        self._path = path
        self._schema = schema
        with contextlib.ExitStack() as stack:
            options = _page_options(schema)
            self._writer = stack.enter_context(
                open_writer(path, schema, compression="zstd", **options)
            )
            self._stack = stack.pop_all()

    def write(self, columns: Mapping[str, Any]) -> None:
        """Append one row group.

        Args:
            columns: A value per column of the schema: for image columns an array of shape
                (N, *shape) or a sequence with None where the image is lacking; for others a
                sequence of length N.

        Raises:
            ValueError: If a column is missing or an image has another shape.
        """
        lacking = [name for name in self._schema.names if name not in columns]
        if lacking:
            raise ValueError(f"columns are missing: {', '.join(lacking)}")
        arrays = [_to_arrow(columns[field.name], field) for field in self._schema]
        with naming(self._path):
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Publish the file, or remove it if the block failed."""
        self._stack.__exit__(kind, error, trace)


def write_table(path: StrPath, schema: pa.Schema, columns: Mapping[str, Any]) -> None:
    """Write a whole table at once, atomically; see `TableWriter.write` for the columns.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> schema = pa.schema([("slice_id", pa.string()), image_field("image", (2, 2))])
        >>> images = np.zeros((3, 2, 2), np.float32)
        >>> with TemporaryDirectory() as folder:
        ...     table = f"{folder}/slices.parquet"
        ...     write_table(table, schema, {"slice_id": ["a", "b", "c"], "image": images})
        ...     read_images(table, "image").shape
        (3, 2, 2)
    """
    with TableWriter(path, schema) as writer:
        writer.write(columns)


def read_images(path: StrPath, column: str) -> np.ndarray:
    """Return an image column as one array of shape (N, *shape).

    Raises:
        InputError: If the file has no image column of that name, rows lack the image, or it is
            damaged.
    """
    names = read_schema(path).names
    if column not in names:
        raise InputError(f"{path}: there is no column {column!r}; there are {', '.join(names)}")
    table = read_table(path, [column])
    return np.ascontiguousarray(_to_numpy(table.column(column), table.schema.field(column), path))


def read_batches(
    path: StrPath,
    columns: Sequence[str] | None = None,
    slice_ids: Collection[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield a table row group by row group.

    Args:
        path: The Parquet file.
        columns: Names to read; None for all.
        slice_ids: Groups without any of these slices are passed over; None for none.

    Yields:
        A dict per row group: image columns as arrays (N, *shape) (a list with None where rows
        lack images), other columns as lists.

    Raises:
        InputError: If the file is damaged.
    """
    with open_table(path) as file:
        for index in range(file.num_row_groups):
            if slice_ids is not None:
                (ids,) = _row_group(file, index, ["slice_id"], path).values()
                if not any(slice_id in slice_ids for slice_id in ids):
                    continue
            yield _row_group(file, index, columns, path)


def read_rows(
    path: StrPath,
    columns: Sequence[str] | None = None,
    slice_ids: Collection[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield a table row by row, reading one row group at a time; images as arrays or None.

    A row does not keep its group in memory. Arguments are those of `read_batches`: beside the
    slices asked for come others of their groups.
    """
    for batch in read_batches(path, columns, slice_ids):
        yield from _rows(batch)
        # Or the group would stay until the next one is read.
        del batch


def _rows(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for values in zip(*batch.values(), strict=True):
        yield {name: _own(value) for name, value in zip(batch, values, strict=True)}


def _own(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _row_group(
    file: pq.ParquetFile, index: int, columns: Sequence[str] | None, path: StrPath
) -> dict[str, Any]:
    names = None if columns is None else list(columns)
    table = file.read_row_group(index, columns=names, use_threads=False)
    return {
        field.name: _batch_column(table.column(field.name), field, path) for field in table.schema
    }


def _page_options(schema: pa.Schema) -> dict[str, Any]:
    """Return how columns become pages, of which a reader holds one at a time, unpacked and not."""
    others = [field.name for field in schema if not _is_image(field)]
    if len(others) == len(schema):
        return {}
    # Images do not repeat, and after each of them, not after a whole group, a page may end.
    return {"use_dictionary": others, "write_batch_size": 1}


def _is_image(field: pa.Field) -> bool:
    return field.metadata is not None and b"shape" in field.metadata


def _shape_and_dtype(field: pa.Field) -> tuple[tuple[int, ...], np.dtype]:
    return tuple(json.loads(field.metadata[b"shape"])), np.dtype(field.metadata[b"dtype"].decode())


def _to_arrow(values: Any, field: pa.Field) -> pa.Array:
    if not _is_image(field):
        return to_array(values, field.type)
    shape, dtype = _shape_and_dtype(field)
    if isinstance(values, np.ndarray):
        if values.shape[1:] != shape:
            raise ValueError(f"column {field.name}: shape {values.shape[1:]}, expected {shape}")
        data = np.ascontiguousarray(values, dtype)
        return pa.Array.from_buffers(field.type, len(data), [None, pa.py_buffer(data)])
    cells = [None if value is None else _cell(value, shape, dtype, field.name) for value in values]
    return to_array(cells, field.type)


def _cell(value: np.ndarray, shape: tuple[int, ...], dtype: np.dtype, name: str) -> bytes:
    if value.shape != shape:
        raise ValueError(f"column {name}: shape {value.shape}, expected {shape}")
    return np.ascontiguousarray(value, dtype).tobytes()


def _to_numpy(column: pa.ChunkedArray, field: pa.Field, path: StrPath) -> np.ndarray:
    if not _is_image(field):
        raise InputError(f"{path}: column {field.name!r} holds no images")
    if column.null_count:
        raise InputError(
            f"{path}: {column.null_count} rows have no {field.name!r}; "
            "use read_rows, which gives None for them"
        )
    shape, dtype = _shape_and_dtype(field)
    chunks = [_chunk_to_numpy(chunk, shape, dtype) for chunk in column.chunks]
    if len(chunks) == 1:
        return chunks[0]
    return np.concatenate(chunks) if chunks else np.empty((0, *shape), dtype)


def _chunk_to_numpy(chunk: pa.Array, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    size = int(np.prod(shape))
    flat = np.frombuffer(
        chunk.buffers()[1],
        dtype,
        count=len(chunk) * size,
        offset=chunk.offset * chunk.type.byte_width,
    )
    return flat.reshape(len(chunk), *shape)


def _batch_column(column: pa.ChunkedArray, field: pa.Field, path: StrPath) -> Any:
    if not _is_image(field):
        return column.to_pylist()
    if not column.null_count:
        return _to_numpy(column, field, path)
    shape, dtype = _shape_and_dtype(field)
    return [
        None if cell is None else np.frombuffer(cell, dtype).reshape(shape)
        for cell in column.to_pylist()
    ]
