"""Digests of files and of parts of them."""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from ct_importance.io.paths import StrPath
from ct_importance.io.system_errors import naming

SAMPLE_BYTES = 4096


def file_digest(path: StrPath) -> str:
    """Return the BLAKE2 digest of a file's content, 32 hexadecimal digits."""
    with naming(path), open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def sample_digest(stream: BinaryIO, start: int, length: int) -> str:
    """Return a digest of the length and the middle of a part of a file; equal parts share it.

    Args:
        stream: The file.
        start: Where the part begins, bytes.
        length: Of the part, bytes.

    Example:
        >>> from io import BytesIO
        >>> one, other = BytesIO(b"header pixels"), BytesIO(b"another header pixels")
        >>> sample_digest(one, start=7, length=6) == sample_digest(other, start=15, length=6)
        True
    """
    stream.seek(start + max(0, (length - SAMPLE_BYTES) // 2))
    digest = hashlib.blake2b(stream.read(min(SAMPLE_BYTES, length)), digest_size=16)
    digest.update(str(length).encode())
    return digest.hexdigest()
