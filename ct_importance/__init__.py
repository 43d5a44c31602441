"""Which importance estimator explains a CT classifier best, by which metric, and how sure is that?

In a notebook: `open_run` reads what a run of the workflow found, `evaluate` judges maps that are
there as arrays (docs/notebook.md).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ct_importance.notebook.judging import Judgement, evaluate
    from ct_importance.notebook.run import Run, open_run

__all__ = ["Judgement", "Run", "evaluate", "open_run"]

_MODULES = {
    **dict.fromkeys(("Judgement", "evaluate"), "ct_importance.notebook.judging"),
    **dict.fromkeys(("Run", "open_run"), "ct_importance.notebook.run"),
}


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: every job of the workflow imports this package, and is to start
    # at once.
    if name in _MODULES:
        return getattr(importlib.import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
