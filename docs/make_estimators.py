"""Write docs/estimators.md from the classes of the estimators: `make schema`."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from pydantic_core import PydanticUndefined

from ct_importance.plugins import load, modules, names
from ct_importance.saliency.estimator import Estimator

PAGE = Path(__file__).with_name("estimators.md")
FAMILIES = {
    "gradient": "Gradients",
    "path": "Gradients along a path",
    "backward": "Other rules for the way back",
    "cam": "Maps of a layer",
    "attention": "Attention",
    "perturbation": "Hiding parts of the slice",
    "control": "Controls",
    "other": "From elsewhere",
}
"""Titles of the folders of estimators, in the order of the page."""
HEAD = """# Which estimators are there, and what do they compute?

Each is named in `estimators:` of config.yaml by its method, with its options. S is the score of the
explained class before sigmoid or softmax, x the slice. This page is made from the classes.

All of them have three options more. `target` says whose score is explained: the class that is
`predicted`, the `true` one, the `last`, or the name of one. `smooth: {samples: 15, noise: 0.15,
power: 1}` takes the mean of the maps of noisy copies (of their squares with `power: 2`), and as
many times the passes. `blur: 2` blurs the map with a Gaussian of 2 pixels.

Passes are those of one slice with the default options. What takes none backwards and needs no
layers can be asked of any network, also of one that is a graph of ONNX. `make cost
OVERLAYS=my_overlay.yaml` prints the passes of a configuration before it runs.
"""
EVERYWHERE = set(Estimator.model_fields)


def text() -> str:
    """Return the page."""
    by_family: dict[str, list[str]] = {}
    for name in names("estimator"):
        family = modules("estimator")[name].split(".")[-2]
        by_family.setdefault(family, []).append(name)
    order = [*FAMILIES, *sorted(by_family.keys() - FAMILIES.keys())]
    parts = [HEAD]
    for family in order:
        if family in by_family:
            parts.append(f"## {FAMILIES.get(family, family.capitalize())}\n")
            parts += [section(name) for name in by_family[family]]
    return "\n".join(parts)


def section(name: str) -> str:
    """Return what is said of an estimator."""
    estimator: type[Estimator] = load("estimator", name)
    first, _, rest = inspect.cleandoc(estimator.__doc__ or "").partition("\n\n")
    lines = [f"### {estimator.title}", "", joined(first)]
    for paragraph in filter(None, rest.split("\n\n")):
        lines += ["", joined(paragraph)]
    lines += ["", f"- Method: `{name}`", f"- {passes(estimator)}"]
    if estimator.needs:
        lines.append(f"- Needs: {', '.join(sorted(estimator.needs)).replace('_', ' ')}")
    target = estimator.model_fields["target"].default
    lines.append(f"- Target: {target}")
    for key, field in estimator.model_fields.items():
        if key not in EVERYWHERE:
            is_required = field.default is PydanticUndefined and field.default_factory is None
            default = (
                "to be given"
                if is_required
                else as_yaml(field.get_default(call_default_factory=True))
            )
            lines.append(f"- Option `{key}` ({default}): {joined(field.description or '')}")
    lines += [f"- Source: {estimator.reference}", ""]
    return "\n".join(lines)


def passes(estimator: type[Estimator]) -> str:
    """Return what a map costs."""
    if any(field.is_required() for field in estimator.model_fields.values()):
        return "Passes: by its options"
    forward, backward = estimator().passes
    return f"Passes: {forward} forwards, {backward} backwards"


def as_yaml(value: object) -> str:
    """Return a default as it stands in config.yaml."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]  # type: ignore[index]
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    return str(value)


def joined(paragraph: str) -> str:
    """Return a paragraph of a docstring on one line, as Markdown."""
    line = re.sub(r"\s+", " ", paragraph).strip().replace("``", "`")
    # Outside of code, a star or an underscore would be markup.
    parts = re.split(r"(`[^`]*`)", line)
    return "".join(it if it.startswith("`") else re.sub(r"[*_<|]", r"\\\g<0>", it) for it in parts)


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
