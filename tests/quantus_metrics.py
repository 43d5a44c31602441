"""Quantus, which has metrics of its own: those of tests are held to them."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest


def quantus() -> ModuleType:
    """Return the package.

    Where zennit is installed, it imports that, which needs torchvision; it need not have either.
    """
    with pytest.MonkeyPatch.context() as patch:
        if "quantus" not in sys.modules:
            patch.setitem(sys.modules, "zennit", None)
        return importlib.import_module("quantus")
