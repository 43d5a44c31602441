"""Reads the CSV files of users; what stands in them about patients stays out of messages."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from ct_importance.cohort.slice_entry import id_of
from ct_importance.errors import InputError
from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming


def read_csv(
    path: StrPath, columns: Sequence[str], key: str, hint: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line, and what it has in some columns; "" where it is too short.

    All text is in the form in which ids are compared (`slice_entry.id_of`).

    Args:
        path: The file, in UTF-8, with a header line.
        columns: Names of the columns.
        key: Key of the configuration that names the file, for messages.
        hint: What to do about a column that is missing, for messages.

    Raises:
        InputError: If the file is missing, is no CSV in UTF-8, has no line, or does not have each
            column once.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} is not a file; check `{key}` in cohort.datasets, and data_dir")
    line, columns = 1, list(map(id_of, columns))
    try:
        with naming(path), open(path, encoding="utf-8-sig") as file:
            reader = csv.DictReader(map(id_of, file), strict=True)
            _check_columns(path, reader.fieldnames or [], columns, hint)
            line = reader.line_num + 1
            for row in reader:
                values = [(row[column] or "").strip() for column in columns]
                if any("\n" in value for value in values):
                    raise csv.Error("a value goes over several lines")
                yield reader.line_num, values
                line = reader.line_num + 1
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text: save it as CSV UTF-8") from None
    except csv.Error as error:
        raise InputError(
            f"{path}, line {line}: not as CSV should be: {error}; is a quote there lacking or too "
            "many?"
        ) from None
    if reader.line_num < 2:
        raise InputError(f"{path} has a header line and no line below it")


def _check_columns(path: StrPath, found: Sequence[str], columns: Sequence[str], hint: str) -> None:
    for column in columns:
        if found.count(column) > 1:
            raise InputError(
                f"{path} has the column {column!r} {found.count(column)} times: which one counts "
                "is not known, so rename the others"
            )
        if column not in found:
            # Without a header line, what was found is the first patient.
            raise InputError(
                f"{path} has no column {column!r} among the {len(found)} of its first line: is "
                f"that the header line, and are its names separated by commas?{hint}"
            )
