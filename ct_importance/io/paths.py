"""Paths."""

from __future__ import annotations

import os

StrPath = str | os.PathLike[str]
"""What is taken where a file or folder is asked for."""
