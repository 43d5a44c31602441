"""Inspects captum, and writes what the project knows of it while it reads a configuration.

After a new version of captum: python -m tests.saliency.captum_signatures, then `ruff format`.
"""

import inspect
from pathlib import Path

import captum.attr

from ct_importance.saliency import captum_signatures

LEFT_OUT = {
    *("return_convergence_delta", "return_input_shape", "show_progress"),
    *("perturbations_per_eval", "memory_efficient", "attr_dim_summation"),
}
"""Arguments that decide how much is computed at once, or what else is returned."""
MODULE = Path(captum_signatures.__file__)


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
    """The module, which begins as it does now."""
    head = MODULE.read_text().partition("Name = Literal[")[0]
    literal = ", ".join(f'"{name}"' for name in names)
    rows = "".join(f"    {name!r}: Signature(*{signature(name)!r}),\n" for name in names)
    known = f"SIGNATURES: dict[str, Signature] = {{\n{rows}}}\n"
    return f"{head}Name = Literal[{literal}]\n\n{known}"


if __name__ == "__main__":
    MODULE.write_text(text(captum_signatures.SIGNATURES))
