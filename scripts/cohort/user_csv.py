"""Reads the CSV files of users; what stands in them about patients stays out of messages."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.errors import InputError


def read_csv(
    path: str | os.PathLike, columns: Sequence[str], key: str, hint: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line, and what it has in some columns; "" where it is too short.

    Args:
        path: The file, in UTF-8, with a header line.
        columns: Names of the columns.
        key: Key of the configuration that names the file, for messages.
        hint: What to do about a column that is missing, for messages.

    Raises:
        InputError: If the file is missing, is no CSV in UTF-8, or lacks a column.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} is not a file; check `{key}` in cohort.datasets, and data_dir")
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as CSV UTF-8") from None
    reader = csv.DictReader(io.StringIO(text))
    try:
        _check_columns(path, reader.fieldnames or [], columns, hint)
        for row in reader:
            yield reader.line_num, [(row[column] or "").strip() for column in columns]
    except csv.Error as error:
        line = reader.line_num + 1  # counted when it has been read
        raise InputError(f"{path}, line {line}: not as CSV should be: {error}") from None


def _check_columns(
    path: str | os.PathLike, found: Sequence[str], columns: Sequence[str], hint: str
) -> None:
    for column in columns:
        if column not in found:
            # Without a header line, what was found is the first patient.
            raise InputError(
                f"{path} has no column {column!r} among the {len(found)} of its first line: is "
                f"that the header line, and are its names separated by commas?{hint}"
            )
