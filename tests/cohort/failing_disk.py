"""Files that the system refuses to open for a while; root may open any file whatever its mode."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_refused: dict[str, int] = {}


def _refuse(event: str, given: tuple) -> None:
    if event == "open" and str(given[0]) in _refused:
        number = _refused[str(given[0])]
        raise OSError(number, os.strerror(number), given[0])


# A hook cannot be taken away again.
sys.addaudithook(_refuse)


@contextmanager
def refusing(path: Path, number: int) -> Iterator[None]:
    """Have whatever opens a file in Python fail with the error of this number."""
    _refused[str(path)] = number
    try:
        yield
    finally:
        _refused.clear()
