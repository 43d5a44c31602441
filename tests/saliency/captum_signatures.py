"""Inspects captum, and writes what the project knows of it while it reads a configuration.

After a new version of captum: python -m tests.saliency.captum_signatures > \
ct_importance/saliency/captum_signatures.py, then `ruff format`.
"""

import inspect

import captum.attr

LEFT_OUT = {
    *("return_convergence_delta", "return_input_shape", "show_progress"),
    *("perturbations_per_eval", "memory_efficient", "attr_dim_summation"),
}
"""Arguments that decide how much is computed at once, or what else is returned."""
HEAD = '''"""Attributions of captum and their arguments, kept in step by a test."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple


class Signature(NamedTuple):
    """What an attribution can be told."""

    options: dict[str, Any]
    """Arguments of its attribute(), with their defaults."""
    made_with: dict[str, Any]
    """Those of the class."""
    takes_layer: bool
    takes_baselines: bool
    takes_features: bool
    """Whether pixels are grouped (``feature_mask``)."""


'''


def signature(name: str) -> tuple:
    """The fields of a Signature."""
    found = getattr(captum.attr, name)
    made, called = (inspect.signature(it).parameters for it in (found, found.attribute))
    return (
        _plain(called),
        _plain(made),
        "layer" in made,
        "baselines" in called,
        "feature_mask" in called,
    )


def _plain(parameters) -> dict:
    return {
        name: it.default
        for name, it in parameters.items()
        if type(it.default) in (bool, int, float, str) and name not in LEFT_OUT
    }


def text(names) -> str:
    """The module."""
    literal = ", ".join(f'"{name}"' for name in names)
    rows = "".join(f"    {name!r}: Signature(*{signature(name)!r}),\n" for name in names)
    known = f"SIGNATURES: dict[str, Signature] = {{\n{rows}}}\n"
    return f"{HEAD}Name = Literal[{literal}]\n\n{known}"


if __name__ == "__main__":
    from ct_importance.saliency.captum_signatures import SIGNATURES

    print(text(SIGNATURES), end="")
