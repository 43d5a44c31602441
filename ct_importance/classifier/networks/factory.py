"""Networks that a function of the user builds."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import ModuleType

from torch import nn

from ct_importance.classifier.networks.answers import kind_and_first_line
from ct_importance.errors import InputError

MODULE = "ct_importance_factory"
"""Name of the module that the user's file is while it runs."""


def build(file: str, function: str) -> nn.Module:
    """Run a file of the user and return the network that a function in it returns.

    The file stands alone: its folder is not on the path of imports.

    Args:
        file: A Python file.
        function: Its function, called without arguments.

    Raises:
        InputError: If either raises, there is no such function, or it returns no `nn.Module`.
    """
    module = ModuleType(MODULE)
    module.__file__ = file
    # Classes are looked up here by their module's name, e.g. by dataclasses.
    sys.modules[MODULE] = module
    try:
        exec(compile(Path(file).read_bytes(), file, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        text = f"{file}: raises {_where(error, file)}; the file stands alone and runs as it is"
        raise InputError(text) from error
    if not callable(getattr(module, function, None)):
        raise InputError(f"{file}: defines no function {function}")
    try:
        network = getattr(module, function)()
    except (Exception, SystemExit) as error:
        raise InputError(
            f"{file}:{function} raises {_where(error, file)}; it is called without arguments and "
            "returns the network"
        ) from error
    if not isinstance(network, nn.Module):
        raise InputError(
            f"{file}:{function} returns a {type(network).__name__}; return a torch.nn.Module"
        )
    return network


def _where(error: BaseException, file: str) -> str:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    return kind_and_first_line(error) + (f" (line {lines[-1]})" if lines else "")
